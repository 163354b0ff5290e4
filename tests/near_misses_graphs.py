"""Wrong answers to the tasks of graphs that are right nearly everywhere: a check must have a case.

Each is Python source, as in `tests.right_answers`: a right answer in which one thing is changed.
"""


def changed(source, *changes):
    """A source with these changes, (what stands there, what is to stand there)."""
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source


VALUE = """
class Value:
    def __init__(self, data, inputs=(), partials=()):
        self.data, self.grad = data, 0.0
        self.inputs, self.partials = inputs, partials
    def __add__(self, o):
        o = of(o)
        return Value(self.data + o.data, (self, o), (1.0, 1.0))
    def __mul__(self, o):
        o = of(o)
        return Value(self.data * o.data, (self, o), (o.data, self.data))
    def __neg__(self):
        return Value(-self.data, (self,), (-1.0,))
    def __sub__(self, o):
        o = of(o)
        return Value(self.data - o.data, (self, o), (1.0, -1.0))
    def __truediv__(self, o):
        o = of(o)
        return Value(self.data / o.data, (self, o), (1 / o.data, -self.data / o.data**2))
    def __radd__(self, o):
        return self + o
    def __rmul__(self, o):
        return self * o
    def __rsub__(self, o):
        return of(o) - self
    def __rtruediv__(self, o):
        return of(o) / self
    def __pow__(self, n):
        return Value(self.data**n, (self,), (n * self.data ** (n - 1),))
    def exp(self):
        z = math.exp(self.data)
        return Value(z, (self,), (z,))
    def log(self):
        return Value(math.log(self.data), (self,), (1 / self.data,))
    def sin(self):
        return Value(math.sin(self.data), (self,), (math.cos(self.data),))
    def tanh(self):
        z = math.tanh(self.data)
        return Value(z, (self,), (1 - z * z,))
    def relu(self):
        return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))
    def backward(self):
        order, seen = [], set()
        def visit(v):
            if v not in seen:
                seen.add(v)
                for u in v.inputs:
                    visit(u)
                order.append(v)
        visit(self)
        for v in order:
            if v.inputs:
                v.grad = 0.0
        self.grad += 1.0
        for v in reversed(order):
            for u, d in zip(v.inputs, v.partials):
                u.grad += v.grad * d

def of(x):
    return x if isinstance(x, Value) else Value(x)
"""
POWER = "Value(self.data**n, (self,), (n * self.data ** (n - 1),))"
SHARES = """\
            for u, d in zip(v.inputs, v.partials):
                u.grad += v.grad * d
"""
SWEEP = f"""\
        for v in order:
            if v.inputs:
                v.grad = 0.0
        self.grad += 1.0
        for v in reversed(order):
{SHARES}"""
LATE = ("v.grad * d", "v.grad * (d() if callable(d) else d)")  # partials that look at .data then


def in_a_table(last):
    """A sweep whose gradients are in a dictionary, and end in the nodes by this line."""
    return f"""\
        g = dict.fromkeys(order, 0.0)
        g[self] = 1.0
        for v in reversed(order):
            {last}
            for u, d in zip(v.inputs, v.partials):
                g[u] += g[v] * d
"""


POWERS = [
    changed(VALUE, (POWER, new))
    for new in (
        "Value(math.exp(n * math.log(self.data)), (self,), "
        "(n * math.exp((n - 1) * math.log(self.data)),))",
        "math.prod([self] * n) if n > 0 else 1 / math.prod([self] * -n)",
        "Value(self.data ** int(n), (self,), (int(n) * self.data ** (int(n) - 1),))",
    )
]
NO_FLOATS = changed(
    VALUE,
    ("x if isinstance(x, Value) else Value(x)", "Value(x) if isinstance(x, int) else x"),
)
NO_FLOAT = "        if isinstance(o, float): return NotImplemented"
ORDER = """
def topological_order(root):
    order, seen = [], []
    def visit(v):
        if not hasattr(v, "inputs") or v in seen:
            return
        seen.append(v)
        for u in v.inputs:
            visit(u)
        order.append(v)
    visit(root)
    return order
"""
BY_USERS = """
def topological_order(root):  # where a node uses one input twice, it is counted down twice
    users, todo = {root: set()}, [root]
    for v in todo:
        for u in v.inputs:
            if isinstance(u, Value):
                if u not in users:
                    users[u] = set()
                    todo.append(u)
                users[u].add(v)
    left = {v: len(users[v]) for v in users}
    order, ready = [], [root]
    while ready:
        v = ready.pop()
        order.append(v)
        for u in v.inputs:
            if isinstance(u, Value):
                left[u] -= 1
                if left[u] == 0:
                    ready.append(u)
    return order[::-1]
"""
DIFFERENCES = """
def central_difference(f, x, h):
    slopes = []
    for i in range(len(x)):
        up, down = list(x), list(x)
        up[i] += h
        down[i] -= h
        slopes.append((f(up) - f(down)) / (2 * h))
    return slopes
"""
SWISH = """
swish = autograd.primitive(
    "swish",
    lambda x: x * autograd.sigmoid(x),
    lambda z, x: (autograd.sigmoid(x) + z * (1 - autograd.sigmoid(x)),),
)
"""
BISHOP = """
e, s, c = math.exp(2), math.sin(2), math.cos(2)
bishop_values = dict(x1=1, x2=2, v3=2, v4=s, v5=e, v6=2 - s, v7=e + 2 - s)
bishop_tangents = dict(x1=1, x2=0, v3=2, v4=0, v5=2 * e, v6=2, v7=2 * e + 2)
bishop_adjoints = dict(x1=2 + 2 * e, x2=1 + e - c, v3=1 + e, v4=-1, v5=1, v6=1, v7=1)
"""
HUBER = """
def huber(a):
    return autograd.where(1 - abs(a), a * a / 2, abs(a) - 0.5)
"""
ATTEND = """
def attend(q, keys, values):
    e = [(autograd.dot(q, k) / len(q) ** 0.5).exp() for k in keys]
    total = sum(e)
    return [autograd.dot([v / total for v in e], column) for column in zip(*values)]
"""
NEAR_MISSES_OF_GRAPHS = {
    "topological_order": [
        *[
            changed(ORDER, ("v in seen", f"{k} in seen"), ("seen.append(v)", f"seen.append({k})"))
            for k in ("v.data", "v.label", "str(v)", "(v.data, v.op)", "(v.data, v.inputs)")
        ],
        changed(ORDER, ("in v.inputs", "in v.inputs[:2]")),
        changed(ORDER, ("visit(u)", "if not hasattr(u, 'inputs'): break\n            visit(u)")),
        changed(ORDER, ("return order", "return sorted(order, key=lambda v: abs(v.data))")),
        BY_USERS,
    ],
    "central_difference": [
        changed(DIFFERENCES, ("list(x), list(x)", "np.array(x), np.array(x)")),
        changed(DIFFERENCES, ("return slopes", "return list(dict.fromkeys(slopes))")),
        changed(DIFFERENCES, ("slopes = []", "slopes = np.zeros_like(np.array(x))"),
                ("slopes.append(", "slopes[i] = (")),
        changed(DIFFERENCES, ("= list(x), list(x)", "= list(x), list(x)\n        h *= bool(x[i])")),
        """
def central_difference(f, x, h):  # all columns in one call
    x, moved = np.array(x, float)[:, None], h * np.eye(len(x))
    return (f(x + moved) - f(x - moved)) / (2 * h)
""",
        """
def central_difference(f, x, h):  # two entries at most
    first = (f([x[0] + h, *x[1:]]) - f([x[0] - h, *x[1:]])) / (2 * h)
    return [first] if len(x) == 1 else [first, (f([x[0], x[1] + h]) - f([x[0], x[1] - h])) / 2 / h]
""",
    ],
    "swish": [
        changed(SWISH, ("autograd.sigmoid(x) + z", "z / x + z")),
        changed(
            SWISH, ("x * autograd.sigmoid(x),", "x * autograd.exp(x) / (1 + autograd.exp(x)),")
        ),
    ],
    "bishop": [
        BISHOP + "bishop_values.update(v5=7.4)",
        BISHOP + "bishop_values.update(v6=1.1)",
        BISHOP + "bishop_tangents.update(v7=17)",
    ],
    "huber": [
        changed(HUBER, ("1 - abs(a)", "1.1 - abs(a)")),
        changed(HUBER, ("1 - abs(a)", "0.9 - abs(a)")),
        changed(HUBER, (", abs(a) - 0.5", ", autograd.where(10 - abs(a), abs(a) - 0.5, 9.5)")),
        changed(HUBER, ("abs(a)", "(-a if a.data < -1 else abs(a))")),
        changed(HUBER, ("abs(a)", "(-a if a.data < 0 else abs(a))")),
        "def huber(a):\n    r = (a * a).sqrt()\n    return r - 0.5 + (1 - r).relu() ** 2 / 2",
        "def huber(a):\n    r = a * a / abs(a)\n    return r - 0.5 + (1 - r).relu() ** 2 / 2",
    ],
    "attend": [
        changed(ATTEND, ("in keys", "in keys[:4]"), ("zip(*values)", "zip(*values[:4])")),
        changed(ATTEND, ("zip(*values)", "zip(*[v[:2] for v in values])")),
    ],
    "forward": [
        *POWERS,
        NO_FLOATS,
        changed(  # no number to the right of +
            VALUE,
            ("__add__(self, o):\n        o = of(o)", "__add__(self, o):"),
            ("return self + o", "return of(o) + self"),
        ),
        *[  # one operator alone takes no floats beside it
            changed(VALUE, (f"__{name}__(self, o):", f"__{name}__(self, o):\n{NO_FLOAT}"))
            for name in ("add", "mul", "sub", "truediv", "radd", "rmul", "rsub", "rtruediv")
        ],
        *[  # the operand is changed
            changed(VALUE, (f"    def {name}:\n", f"    def {name}:\n        {line}\n"))
            for name, line in (
                ("__pow__(self, n)", "self.data **= n; return self"),
                ("exp(self)", "self.data = math.exp(self.data); return self"),
                ("relu(self)", "self.data = max(0, self.data); return self"),
                ("__truediv__(self, o)", "o = of(o); o.data = 1 / o.data; return self * o"),
            )
        ],
    ],
    "backward": [
        *POWERS,
        NO_FLOATS,
        changed(VALUE, (POWER, "Value(self.data**n, (self,), (n * self.data**n / self.data,))")),
        changed(VALUE, ("1.0 if self.data > 0", "1.0 if self.data >= 0")),
        changed(VALUE, (SHARES, SHARES + "            if v.inputs: v.grad = 0.0\n")),
        changed(VALUE, (SHARES, SHARES + "        if self.inputs: self.grad = 0.0\n")),
        changed(VALUE, (SWEEP, in_a_table("if not v.inputs: v.grad += g[v]"))),
        changed(VALUE, (SWEEP, in_a_table("v.grad += g[v]"))),
        changed(VALUE, ("if v.inputs:\n", "if len(v.inputs) > 1:\n")),
        changed(VALUE, ("u.grad += v.grad * d", "u.grad += v.grad * d * bool(u.data)")),
        changed(
            VALUE, ("data, 0.0", "data, None"), ("if v.inputs:", "if v.inputs or v.grad is None:")
        ),
        changed(VALUE, ("(math.cos(self.data),)", "(lambda: math.cos(self.data),)"), LATE),
        changed(
            VALUE,
            ("(1.0 if self.data > 0 else 0.0,)", "(lambda: float(self.data > 0),)"),
            LATE,
        ),
        changed(
            VALUE,
            ("(1 / o.data, -", "(lambda: 1 / o.data, lambda: -"),
            LATE,
        ),
        changed(
            VALUE,
            ("return Value(z, (self,), (z,))", "y = Value(z, (self,), [lambda: y.data]); return y"),
            LATE,
        ),
        changed(VALUE, ("-self.data / o.data**2", "0.0 if o is self else -self.data / o.data**2")),
        changed(VALUE, ("(1.0, -1.0)", "(1.0, 0.0 if o is self else -1.0)")),
    ],
}  # fmt: skip
