"""Find all that a craft's function reaches, its digest, its packages; know nothing of crafts, catalogs or lakes.

A code is the function and every function, class, method, closure, decorator and constant of the project that it
reaches, across files. Each is digested by its syntax tree: comments, formatting, docstrings, hints and names of locals
leave no trace in it, and it is the same in Python 3.11, 3.12 and 3.13. Names are followed to what they stand for in
the running program; constants count by their values. `reader` puts a code together of the nodes that `following` makes.

What is loaded is what counts: the source of a function is used only if compiling it gives the very code that is
loaded. Otherwise, and where there is no source, its bytecode is digested, which differs between minor Pythons.

A class that is reached counts as a whole, whichever of its methods are called: which class an object has is not
known. Of a class that is only asked for a static method, that one counts.

The order of a dict counts, as a loop over it follows it; that of a dict that holds code, a registry, counts as the
statements of its file make it, since the modules that add to it may be imported in any order.

**Not followed**, and said so in `Code.unfollowed`:

- ``getattr``, ``vars`` and ``globals`` with a name that is computed, ``eval``, ``exec``, ``importlib.import_module``,
  ``__import__``, ``sys.modules``, ``runpy``, programs that are started, libraries of C, by whatever name they are
  called (`doors`); which subclasses there are; docstrings and hints that code reads, as ``f.__doc__``; the settings
  and the pipelines of a session, as ``Session.get_session().settings``; variables of the environment, as
  ``os.environ``;
- a module that is handed around as a value, one that is imported in a function for its effects alone, an import in a
  function that fails, a name that nobody defined yet, compiled modules of the project;
- the state of objects that are no plain data, of objects whose methods change them, of constants and of what functions
  close over, where functions change it: they count by the statements that make them, or by their types;
- the code of packages that are installed in editable form, and of modules that lie elsewhere in no distribution.

**Not followed, and not said**: what code does with files that it reads and with the network;
methods that are put on classes of other packages; what a module does for its effects when it is imported; an object
that is no plain data, where the file that makes it is edited between its import and the first look at it; which name
an attribute's name stands for where ``__getattr__`` of a class or a module makes it (those count themselves); the
classes of objects that a craft is given, but for those that a pickle names (`elliptio.pipelines.catalog.held`).
"""

from elliptio.pipelines.code.reader import Packages, Reader, code_of
from elliptio.pipelines.code.records import Code, Part, as_record, changes, joined

__all__ = ["Code", "Packages", "Part", "Reader", "as_record", "changes", "code_of", "joined"]
