"""``elliptio completion``: a script that lets a shell complete verbs and options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from elliptio.cli.options import Parser, Verb, add_verb

SHELLS = ("bash", "zsh", "fish")

_EPILOG = """\
  echo 'eval "$(elliptio completion bash)"' >> ~/.bashrc
  echo 'eval "$(elliptio completion zsh)"' >> ~/.zshrc
  elliptio completion fish > ~/.config/fish/completions/elliptio.fish
"""

_BASH = """\
_elliptio() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" verb="" at words=""
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "${{COMP_WORDS[at]}}" in
      --root|--index|--path|-p) ((at++)) ;;
      -*) ;;
      *) verb="${{verb:+$verb }}${{COMP_WORDS[at]}}"
         case "$verb" in {groups}) ;; *) break ;; esac ;;
    esac
  done
  case "$verb" in
{cases}
  esac
  COMPREPLY=()
  case "$verb" in ""|{groups}) verb="" ;; esac
  if [[ "$word" == -* || -z "$verb" ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    case "$verb $before" in
{choices}
      *) COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
  fi
}}
complete -o filenames -F _elliptio elliptio
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    summary = "print a script that lets a shell complete verbs and options"
    parser = add_verb(verbs, "completion", summary, run, epilog=_EPILOG)
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def run(args: argparse.Namespace) -> int:
    """Print the script: it knows all words itself, so that no Python starts at each key."""
    parser: Parser = args.command
    if args.shell == "fish":
        print(_fish(parser), end="")
        return 0
    if args.shell == "zsh":
        print("autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit")
    print(_bash(parser), end="")
    return 0


def _bash(parser: Parser) -> str:
    cases = [f'    "") words="{" ".join([*parser.verbs, *parser.options])}" ;;']
    choices = []
    for name, verb in _all_verbs(parser):
        cases.append(f'    "{name}") words="{" ".join([*verb.verbs, *verb.options])}" ;;')
        for spelled, words in _choices(verb):
            pattern = f'"{name} {spelled or name.rpartition(" ")[2]}"'
            choices.append(f'      {pattern}) COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$word")) ;;')
    groups = "|".join(f'"{name}"' for name, verb in _all_verbs(parser) if verb.verbs)
    return _BASH.format(cases="\n".join(cases), choices="\n".join(choices), groups=groups)


def _all_verbs(parser: Parser) -> Iterator[tuple[str, Parser]]:
    """Go through the verbs, and those of their own: ``pipelines``, ``pipelines run``."""
    for name, verb in parser.verbs.items():
        yield name, verb
        yield from ((f"{name} {own}", one) for own, one in verb.verbs.items())


def _fish(parser: Parser) -> str:
    import shlex

    lines = []
    for name, verb in parser.verbs.items():
        lines.append(f"complete -c elliptio -n __fish_use_subcommand -f -a {name} -d {shlex.quote(verb.summary)}")
        seen = f"__fish_seen_subcommand_from {name}"
        own = verb.verbs
        alone = f"{seen}; and not __fish_seen_subcommand_from {' '.join(own)}"
        for inner, one in own.items():
            lines.append(f"complete -c elliptio -n '{alone}' -f -a {inner} -d {shlex.quote(one.summary)}")
            lines += _fish_words(one, f"{seen}; and __fish_seen_subcommand_from {inner}")
        lines += _fish_words(verb, alone if own else seen)
    return "\n".join(lines) + "\n"


def _fish_words(verb: Parser, where: str) -> Iterator[str]:
    """Write the options of a verb, and words that it has values of."""
    import shlex

    choices = dict(_choices(verb))
    for option in verb.options:
        words = f" -x -a {shlex.quote(' '.join(choices[option]))}" if option in choices else ""
        yield f"complete -c elliptio -n '{where}' -l {option.removeprefix('--')}{words}"
    if "" in choices:
        yield f"complete -c elliptio -n '{where}' -f -a {shlex.quote(' '.join(choices['']))}"


def _choices(verb: Parser) -> list[tuple[str, list[str]]]:
    """List what only has certain values, by option; "" is a word without one."""
    return [
        (
            next((name for name in action.option_strings if name.startswith("--")), ""),
            [str(one) for one in action.choices],
        )
        for action in verb._actions
        if action.choices is not None and not isinstance(action, argparse._SubParsersAction)
    ]
