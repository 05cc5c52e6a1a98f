"""Small faults that are put into source code one at a time, to see whether a test notices.

A site is a place in a module where one kind of fault can be made: a comparison, an operation, a number, a
condition, a call that only checks. Annotations, docstrings and messages are left as they are, since no
score depends on them.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        module: path of the source file.
        line: its number there.
        kind: comparison, operation, number, logic, condition, or call.
        before, after: the statement or expression, on one line.
        source: of the whole module with the fault.
    """

    module: str
    line: int
    kind: str
    before: str
    after: str
    source: str


def list_mutants(module: str, source: str, functions: tuple[str, ...] = ()) -> list[Mutant]:
    """All mutants of a module, or of the functions and constants named, in the order of their lines."""
    tree = ast.parse(source)
    roots = [node for node in tree.body if not functions or getattr(node, "name", None) in functions]
    number = sum(1 for root in roots for _ in _sites(root))
    found = []
    for index in range(number):
        changed = copy.deepcopy(tree)
        same = [node for node in changed.body if not functions or getattr(node, "name", None) in functions]
        node, statements, kind = [site for root in same for site in _sites(root)][index]
        before = ast.unparse(node)
        after = _break(node, statements)
        found.append(Mutant(module, node.lineno, kind, before, after, ast.unparse(changed)))
    return found


Statements = list[ast.stmt] | None
Site = tuple[ast.AST, Statements, str]


def _sites(root: ast.AST) -> Iterator[Site]:
    """Nodes that can be broken, with the list of statements they stand in, and the kind of fault."""
    for node, statements in _code(root):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
            yield node, None, "comparison"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATIONS:
            yield node, None, "operation"
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            yield node, None, "number"
        elif isinstance(node, ast.BoolOp | ast.UnaryOp) and not isinstance(
            getattr(node, "op", None), ast.UAdd
        ):
            yield node, None, "logic"
        elif isinstance(node, ast.If | ast.IfExp):
            yield node, None, "condition"
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and statements is not None:
            yield node, statements, "call"


def _code(node: ast.AST, statements: Statements = None) -> Iterator[tuple[ast.AST, Statements]]:
    """The node and all below it but annotations, raised errors and texts."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    yield node, statements
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                inside = value if isinstance(value, list) and isinstance(child, ast.stmt) else None
                yield from _code(child, inside)


def _break(node: ast.AST, statements: Statements) -> str:
    """Puts the fault in; returns what stands there now."""
    match node:
        case ast.Compare():
            node.ops[0] = COMPARISONS[type(node.ops[0])]()
        case ast.BinOp() | ast.AugAssign():
            node.op = OPERATIONS[type(node.op)]()
        case ast.Constant(value=bool()):
            node.value = not node.value
        case ast.Constant(value=int() | float()):
            node.value = node.value + 1
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp():  # the sign or the negation is lost
            node.op = ast.UAdd() if not isinstance(node.op, ast.Not) else ast.Not()
            if isinstance(node.op, ast.Not):
                node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case ast.If() | ast.IfExp():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.Expr() if statements is not None:
            statements[statements.index(node)] = ast.copy_location(ast.Pass(), node)
            return "pass"
    return ast.unparse(node)
