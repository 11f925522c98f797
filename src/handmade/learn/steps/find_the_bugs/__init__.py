"""One step: skeleton, solution, cases, mistakes, and texts by language."""
