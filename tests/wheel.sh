#!/bin/sh
# The package as users get it: wheel and sdist are built, the wheel is installed alone and tried.
set -eu
rm -rf dist .venv-wheel
python3 -m venv .venv-wheel
pip=".venv-wheel/bin/python -m pip --disable-pip-version-check"
$pip install --quiet -c constraints.txt build
.venv-wheel/bin/python -m build --outdir dist . > /dev/null
$pip uninstall --quiet --yes build
$pip install --quiet -c constraints.txt dist/*.whl
cd "$(mktemp -d)"
bin=$OLDPWD/.venv-wheel/bin
"$bin/convcalc" --version
"$bin/convcalc" compare 7x7 7x1+1x7
"$bin/convcalc" show zoo:lenet5 > /dev/null # data files are in the wheel
"$bin/python" -c "import convcalc; print(convcalc.analyze('7x1+1x7', input='64x56x56').params)"
