"""The public methods of the official client, and which of them a program called without an error.

`watch` stands in front of every method; what returned is written to a file at the end of the program.
"""

import atexit
import functools
import inspect
import json
import threading
from pathlib import Path

import flywheel
from flywheel import flywheel as raw
from flywheel import drone_login, finder, gear_context, util
from flywheel.models import gear_invocation, mixins

FINDER_FORMS = ("__call__", "find", "find_one", "find_first", "iter", "iter_find")

# The methods of these belong to whoever uses them.
KINDS = {
    name.removesuffix("Mixin"): one
    for name, one in vars(mixins).items()
    if name.endswith("Mixin") and inspect.isclass(one)
}
OTHERS = {
    "Client": flywheel.Client,
    "ViewBuilder": flywheel.ViewBuilder,
    "GearInvocation": gear_invocation.GearInvocation,
    "GearContext": gear_context.GearContext,
    "FileSpec": flywheel.FileSpec,
}


def public(owner):
    """The public methods and properties that instances of a class have, by name."""
    return {
        name: value
        for name, value in inspect.getmembers(owner)
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    }


@functools.cache
def finders():
    """The finders of a client, and those of its containers that have a call to make, by that call."""
    nowhere = vars(raw.Flywheel("localhost:nobody"))
    found = {one._method: f"Client.{name}" for name, one in nowhere.items() if isinstance(one, finder.Finder)}
    for kind, owner in KINDS.items():
        for child in getattr(owner, "child_types", ()):
            call = f"get_{owner.container_type}_{child}"
            if hasattr(raw.Flywheel, call):
                found[call] = f"{kind}.{child}"
    return found


def helpers():
    """The names of everything that a user may call of what is written around the calls of the API."""
    every = {f"{kind}.{name}" for kind, owner in {**KINDS, **OTHERS}.items() for name in public(owner)}
    every |= {f"{owner}.{form}" for owner in finders().values() for form in FINDER_FORMS}
    every |= {f"util.{name}" for name, value in vars(util).items() if inspect.isfunction(value)}
    return every | {"create_drone_client"}


def operations():
    """The names of the calls that the client has for the operations of the API."""
    return {f"Flywheel.{name}" for name in public(raw.Flywheel)}


class Watch:
    """What returned so far. A helper that another helper calls does not count: nobody looked at its result."""

    def __init__(self):
        self.called = set()
        self.inside = threading.local()

    def wrap(self, call, name, nested=False):
        """`call`, noted under `name(self)` when it returns, or when its first item is there."""

        @functools.wraps(call)
        def watched(*args, **kwargs):
            depth = getattr(self.inside, "depth", 0)
            self.inside.depth = depth if nested else depth + 1
            try:
                result = call(*args, **kwargs)
            finally:
                self.inside.depth = depth
            if nested or depth == 0:
                names = name(*args[:1])
                if inspect.isgenerator(result):
                    return self.items(result, names)
                self.called.update(names)
            return result

        return watched

    def items(self, result, names):
        """The items of a generator; it counts once it has given one, or has ended."""
        for item in result:
            self.called.update(names)
            yield item
        self.called.update(names)

    def stand_before(self, owner, name, label, nested=False):
        """Puts a watched method or property in the place of one that a class defines."""
        value = inspect.getattr_static(owner, name)
        if isinstance(value, property):
            setattr(owner, name, property(self.wrap(value.fget, label, nested), value.fset))
        elif inspect.isfunction(value):
            setattr(owner, name, self.wrap(value, label, nested))


def kinds_of(one):
    """The kinds that an object is of."""
    return [kind for kind, owner in KINDS.items() if isinstance(one, owner)]


def watch(path):
    """Writes the names of what this program calls to a file, at the program's end."""
    seen = Watch()
    defined = {owner for kind in KINDS.values() for owner in kind.__mro__ if owner is not object}
    for owner in defined:
        for name in public(owner):
            if name in vars(owner):
                seen.stand_before(owner, name, lambda one, name=name: [f"{kind}.{name}" for kind in kinds_of(one)])
    for owner_name, owner in OTHERS.items():
        for name in public(owner):
            seen.stand_before(owner, name, lambda one, label=f"{owner_name}.{name}": [label])
    for form in FINDER_FORMS:
        seen.stand_before(finder.Finder, form, lambda one, form=form: [f"{finders()[one._method]}.{form}"])
    for name in public(raw.Flywheel):
        seen.stand_before(raw.Flywheel, name, lambda one, name=name: [f"Flywheel.{name}"], nested=True)
    for name, value in list(vars(util).items()):
        if inspect.isfunction(value):
            setattr(util, name, seen.wrap(value, lambda *one, name=name: [f"util.{name}"]))
    login = seen.wrap(drone_login.create_drone_client, lambda *one: ["create_drone_client"])
    drone_login.create_drone_client = flywheel.create_drone_client = login
    atexit.register(lambda: Path(path).write_text(json.dumps(sorted(seen.called))))

