"""Python files with layers that users wrote: loaded, searched and watched. The code in such a file is run.

loading.py          load a file again, with the files that it imports from its folder
error_lines.py      an error in such a file as one line, with file name and line number
layers_in_file.py   the layers and pairs of functions in a file, by name
inputs.py           inputs for them: random numbers of a shape, or an .npy file
watching.py         wait until files are saved again
"""
