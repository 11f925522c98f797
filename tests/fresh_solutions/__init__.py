"""Wrong solutions of the workbook, written from the texts of the exercises alone, without a look at the grader."""
