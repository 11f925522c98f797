"""Examples at the end of each command's help: what they do, and lines to copy.

`handmade train` makes runs/readme-1, which the other examples use. Brackets are quoted: some shells expand them.
"""

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "train": (
        ("Train on all of MNIST by finite differences, in about a minute.", "handmade train"),
        ("Reach the highest accuracy.", "handmade train --recipe best"),
        (
            "Use backpropagation, and stop when the validation accuracy no longer rises.",
            "handmade train --gradient backprop --epochs 20 --validation 5000 --patience 3",
        ),
    ),
    "sweep": (
        (
            "Compare three learning rates, each with three seeds.",
            "handmade sweep --gradient backprop --vary learning-rate=0.02,0.05,0.1 --vary seed=0..2",
        ),
        (
            "Draw 20 combinations of two settings.",
            "handmade sweep --random 20 --vary learning-rate=0.001..0.1:log --vary batch-size=16,32,64",
        ),
        ("Resume a sweep that was stopped.", "handmade sweep --resume sweeps/readme-1"),
    ),
    "evaluate": (
        ("Measure the accuracy of a run's network.", "handmade evaluate runs/readme-1"),
        ("Print the same numbers as JSON.", "handmade evaluate runs/readme-1 --json"),
    ),
    "predict": (
        ("Classify a photo of a digit.", "handmade predict runs/readme-1 seven.png"),
        ("Show each stage of its preparation.", "handmade predict runs/readme-1 seven.png --show-stages"),
        ("Classify dark clothes on a light background.", "handmade predict runs/clothes coat.jpg --invert --fit pad"),
    ),
    "show": (
        ("Show two test images.", "handmade show test:7 test:8"),
        ("Show the filters of a layer.", "handmade show runs/readme-1 --filters conv1"),
    ),
    "check": (
        ("Check every gradient of the readme network.", "handmade check"),
        ("Compare step sizes from 0.1 to 1e-30.", "handmade check --step-sizes"),
        ("Check a layer in a Python file.", "handmade check my_layer.py:Conv --input 2,8,8,3"),
    ),
    "explain": (
        ("Explain a probability by its terms.", "handmade explain runs/readme-1 --image test:7 --at 'probability[3]'"),
        ("Explain a gradient.", 'handmade explain runs/readme-1 --at "d loss / d conv1.W[1,2,0,5]"'),
    ),
    "trace": (
        ("Follow one nudge through the network.", "handmade trace runs/readme-1 --nudge 'conv1.W[1,2,0,5]=+0.1'"),
        (
            "Use another image, and draw a picture too.",
            "handmade trace runs/readme-1 --image test:7 --nudge 'conv1.W[1,2,0,5]=+0.1' --figure nudge.png",
        ),
    ),
    "lab": (
        ("Open the page with the network of a run.", "handmade lab runs/readme-1"),
        ("Use another port, and open no browser.", "handmade lab readme --port 8080 --no-browser"),
        ("Write the exercises of handmade learn on the page, and use your functions.", "handmade lab --workbook --mine"),
    ),
    "report": (
        ("Write runs/readme-1/report.html.", "handmade report runs/readme-1"),
        ("Show another test image, and name the file.", "handmade report runs/readme-1 --image 7 --out seven.html"),
        ("Report on an untrained network.", "handmade report readme"),
    ),
    "runs": (
        ("List the runs in the folder runs, the best last.", "handmade runs --sort accuracy"),
        ("Compare two runs.", "handmade runs runs/readme-1 runs/readme-2"),
        ("Show the table of a sweep.", "handmade runs sweeps/readme-1"),
    ),
    "networks": (
        ("Show the layers of the presets.", "handmade networks"),
        ("Print one as JSON, made for your images, as a start.", "handmade networks readme --describe --data my-pictures"),
    ),
    "export": (
        ("Write the network of a run as an ONNX model.", "handmade export runs/readme-1 readme.onnx"),
        ("Write its weights for PyTorch.", "handmade export runs/readme-1 weights.safetensors --layout pytorch"),
        ("Print the PyTorch module that loads them.", "handmade export runs/readme-1 --layout pytorch"),
    ),
    "import": (
        ("Read an ONNX model, and save it as one of handmade.", "handmade import lenet.onnx"),
        (
            "State how its input is prepared.",
            'handmade import lenet.onnx --input "(x/255 - 0.1307)/0.3081" --out lenet.safetensors',
        ),
        ("Read weights of PyTorch into a network of the same layers.", "handmade import weights.safetensors --like readme"),
    ),
    "data list": (
        ("List the data sets that are known by name.", "handmade data list"),
        ("Print them as JSON.", "handmade data list --json"),
    ),
    "data fetch": (
        ("Download Fashion-MNIST.", "handmade data fetch fashion-mnist"),
        ("Download two sets.", "handmade data fetch kmnist cifar-10"),
    ),
    "doctor": (
        ("Test this computer.", "handmade doctor"),
        ("Print all it finds as JSON.", "handmade doctor --json"),
    ),
    "learn list": (
        ("List the steps.", "handmade learn list"),
        ("Print them as JSON.", "handmade learn list --json"),
    ),
    "learn goto": (
        ("Go to step 3.", "handmade learn goto 3"),
        ("Go to a step by its name.", "handmade learn goto relu"),
    ),
    "learn hint": (
        ("Show the next hint of the current step.", "handmade learn hint"),
        ("Show the next hint of step 3.", "handmade learn hint 3"),
    ),
    "learn reset": (
        ("Begin the current step again.", "handmade learn reset"),
        ("Begin step 3 again.", "handmade learn reset 3"),
    ),
    "learn give-up": (
        ("Show the solution of the current step.", "handmade learn give-up"),
        ("Show the solution of step 3.", "handmade learn give-up 3"),
    ),
    "learn milestones": (
        ("Show what your functions have reached.", "handmade learn milestones"),
        ("Print the numbers as JSON.", "handmade learn milestones --json"),
        ("Reach the epoch: train with your functions.", "handmade train --mine"),
    ),
    "learn export": (
        ("Make a folder for a course.", "handmade learn export my-course"),
        ("Make it in German.", "handmade learn export mein-kurs --language de"),
    ),
    "learn results": (
        ("Print a table of all students.", "handmade learn results ada.json emmy.json"),
        ("Print it as JSON.", "handmade learn results ada.json emmy.json --json"),
    ),
    "learn check-all": (
        ("Check all steps.", "handmade learn check-all"),
        ("Print all verdicts as JSON, for a course.", "handmade learn check-all --json"),
    ),
    "plot filters": (
        ("Draw the weights of all layers.", "handmade plot filters runs/readme-1"),
        ("Draw one layer, for a dark background.", "handmade plot filters runs/readme-1 --layer conv1 --dark --out conv1.svg"),
    ),
    "plot maps": (
        ("Draw the feature maps of a test image.", "handmade plot maps runs/readme-1 --image test:7"),
        ("Draw those of an untrained network.", "handmade plot maps readme --image test:7"),
    ),
    "plot nudge": (
        ("Draw all changes by one nudge.", "handmade plot nudge runs/readme-1 --nudge 'conv1.W[1,2,0,5]=+0.1'"),
        ("Use an untrained network.", "handmade plot nudge readme --nudge 'conv1.W[1,2,0,5]=+0.1' --image test:7"),
    ),
    "plot sensitivity": (
        ("Draw the pixels that matter most.", "handmade plot sensitivity runs/readme-1 --image test:7"),
        ("Cover larger squares.", "handmade plot sensitivity runs/readme-1 --patch 5 --out patch.png"),
    ),
    "plot sweep": (
        ("Draw the results of a sweep.", "handmade plot sweep sweeps/readme-1"),
        ("Use a dark background, and name the file.", "handmade plot sweep sweeps/readme-1 --dark --out rates.svg"),
    ),
    "plot curves": (
        ("Draw loss and accuracy of a run.", "handmade plot curves runs/readme-1"),
        ("Draw two runs in one picture.", "handmade plot curves runs/readme-1 runs/readme-2"),
    ),
    "plot confusion": (
        ("Draw the confusion matrix.", "handmade plot confusion runs/readme-1"),
        ("Write a vector graphic.", "handmade plot confusion runs/readme-1 --out confusion.pdf"),
    ),
    "plot mistakes": (
        ("Draw the worst mistakes.", "handmade plot mistakes runs/readme-1"),
        ("Draw more of them.", "handmade plot mistakes runs/readme-1 --most 40 --out mistakes.png"),
    ),
    "plot histograms": (
        ("Draw the distribution of weights and gradients.", "handmade plot histograms runs/readme-1"),
        ("Compare with an untrained network.", "handmade plot histograms readme"),
    ),
    "plot steps": (
        ("Draw the error of the readme network's gradient against h.", "handmade plot steps"),
        ("Use a trained network.", "handmade plot steps runs/readme-1"),
    ),
    "plot film": (
        ("Draw the filters during 200 steps of training.", "handmade plot film"),
        ("Draw one layer for longer.", "handmade plot film readme --layer conv1 --steps 1000 --out conv1.gif"),
    ),
}
