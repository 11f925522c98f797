"""Python files of other people, with layers in them: loaded, searched and watched. Such a file is run: that is the purpose.

loading.py     a file loaded anew, with the files beside it that it imports
failures.py    an error of such a file in one line, with file and line
subjects.py    the layers and pairs of functions in a file, by name
inputs.py      inputs for them: random numbers of a shape, or an .npy file
saves.py       files that are saved again
"""
