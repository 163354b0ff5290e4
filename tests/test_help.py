"""What students see of the public names: by `help`, Shift-Tab and TAB."""

import inspect
import pickle
import pydoc
import re
import subprocess
import sys
import types

import pytest

import autograd
import nn
from autograd import Value
from nn.model.activations import ACTIVATIONS
from tests.cases import for_each

LONGEST = 50  # characters of an annotation, and far below the unions of numpy.typing
INNER = r"numpy\.|collections\.|typing\.|\b(Union|Optional|ForwardRef|_[a-z]\w*)\b|~"
# What the standard library's sequences and NumPy's have of their own is not ours to write.
HOUSES = ("autograd", "nn")
MODULES = {
    "autograd": autograd,
    "nn": nn,
    "nn.datasets": nn.datasets,
    "nn.plots": nn.plots,
}


def public(module):
    return [name for name in dir(module) if not name.startswith("__")]


def functions_of(kind):
    """The methods of a class that users call, and its initializer."""
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        if isinstance(member, classmethod | staticmethod):
            member = member.__func__
        if isinstance(member, property):
            member = member.fget
        is_function = isinstance(member, types.FunctionType)
        is_ours = is_function and member.__module__.partition(".")[0] in HOUSES
        if is_ours and (name == "__init__" or not name.startswith("_")):
            yield name, member


def callables():
    for house, module in MODULES.items():
        for name in public(module):
            thing = getattr(module, name)
            if inspect.isclass(thing) and thing.__module__.partition(".")[0] in HOUSES:
                for method, function in functions_of(thing):
                    yield f"{house}.{name}.{method}", function
            elif isinstance(thing, types.FunctionType):
                yield f"{house}.{name}", thing


CALLABLES = dict(callables())


def test_the_callables_are_all_there():
    assert {"nn.fit", "nn.MLP.__init__", "nn.plots.losses", "autograd.sum", "nn.draw"} <= {
        *CALLABLES
    }
    assert len(CALLABLES) > 150


@for_each("name", CALLABLES)
def test_signatures_are_short(name):
    signature = inspect.signature(CALLABLES[name])
    notes = {p.name: p.annotation for p in signature.parameters.values()}
    notes["return"] = signature.return_annotation
    for parameter, annotation in notes.items():
        if annotation is inspect.Parameter.empty:
            continue
        text = inspect.formatannotation(annotation).strip("'")
        assert len(text) <= LONGEST, f"{parameter}: {text}"
        assert not re.search(INNER, text), f"{parameter}: {text}"


def test_shift_tab_of_fit():
    from IPython.core.oinspect import _render_signature

    shown = _render_signature(inspect.signature(nn.fit), "nn.fit")
    lines = [line.strip() for line in shown.splitlines()]
    assert "X: 'ArrayLike | Source'," in lines
    assert "batch_size: 'int | BatchSize | None' = None," in lines
    assert max(map(len, lines)) < 80


def test_help_of_a_value():
    text = pydoc.plain(pydoc.render_doc(Value))
    for name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "softplus", "abs"):
        assert re.search(rf"^ \|  {name}\(self.*\) -> '?Value'?$", text, re.MULTILINE), name
    for name in ("add", "rsub", "pow", "neg", "lt", "copy", "deepcopy", "reduce_ex", "float"):
        assert re.search(rf"^ \|  __{name}__\(self", text, re.MULTILINE), name
    assert not re.search(r"^ \|  \w+ = \w+\(", text, re.MULTILINE)  # exp = method(self)


def test_each_method_of_a_value_has_a_docstring_of_its_own():
    methods = {
        name: method
        for kind in (Value, *Value.__bases__)
        for name, method in vars(kind).items()
        if isinstance(method, types.FunctionType)
        and name not in ("__init__", "__repr__")
        and (name.startswith("__") or not name.startswith("_"))
    }
    assert len(methods) > 30
    for name, method in methods.items():
        assert method.__name__ == name
        assert method.__qualname__.endswith(f".{name}")
        assert method.__doc__, name
    others = [method.__doc__ for name, method in methods.items() if name != "__abs__"]
    assert len(set(others)) == len(others)


def test_a_method_and_the_function_say_the_same():
    for name in ("exp", "log", "relu", "softplus"):
        words = getattr(Value, name).__doc__.partition(".")[0]
        assert getattr(autograd, name).__doc__.startswith(words)
    assert "natural logarithm" in Value.log.__doc__


def test_methods_of_a_value_can_be_pickled():
    """As those of any class: by the class and the name."""
    assert pickle.loads(pickle.dumps(Value.exp)) is Value.exp
    assert pickle.loads(pickle.dumps(Value.__add__)) is Value.__add__


LEFT_OUT_BY_STAR = {"autograd": {"abs", "compile", "max", "sum"}, "nn": {"draw"}}


@pytest.mark.parametrize("name", MODULES)
def test_dir_lists_the_public_names(name):
    module = MODULES[name]
    assert {*public(module)} == {*module.__all__, *LEFT_OUT_BY_STAR.get(name, ())}
    assert all(hasattr(module, name) for name in dir(module))
    assert {"__doc__", "__file__", "__name__", "__spec__"} <= {*dir(module)}


@pytest.mark.parametrize("jedi", [False, True])
@pytest.mark.parametrize("name", MODULES)
def test_tab(name, jedi):
    from IPython.core.completer import IPCompleter, provisionalcompleter

    module = MODULES[name]
    completer = IPCompleter(namespace={"m": module}, global_namespace={})
    completer.use_jedi = jedi
    with provisionalcompleter():
        found = {c.text.lstrip(".") for c in completer.completions("m.", 2)}
    assert {name for name in found if not name.startswith("_")} == {*public(module)}


@pytest.mark.slow
def test_inner_modules_are_where_they_were():
    """Though `dir` hides them; in a new process, where no test has imported any."""
    program = (
        "import autograd.compiler, nn\n"
        "assert autograd.compiler.Program is autograd.Program\n"
        "assert nn.train.fit.fit is nn.fit and autograd.value.Value is autograd.Value\n"
        "from autograd import *\n"
        "from nn import *\n"
        "import builtins\n"
        "assert sum is builtins.sum and compile is builtins.compile\n"
        "assert draw is autograd.draw and fit is nn.fit\n"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("kind", [nn.Neuron, nn.Layer])
def test_the_activations_are_listed(kind):
    line = re.search(r"activation: its name: (.*)\.$", kind.__doc__, re.MULTILINE)[1]
    assert {*line.split(", ")} == {*ACTIVATIONS}


# One name, one meaning: where the public names have a parameter that is called so.
MEANINGS = {
    "every": {"nn.step_decay", "nn.DrawGraph.__init__", "nn.Film.__init__"},  # so many updates
    "step": {"autograd.draw", "autograd.Drawing.__init__"},  # of the backward pass, a Step
    "number": set(),
    "sweep": set(),
}


@pytest.mark.parametrize("word", MEANINGS)
def test_one_name_has_one_meaning(word):
    found = {
        name for name, thing in CALLABLES.items() if word in inspect.signature(thing).parameters
    }
    assert found == MEANINGS[word]
