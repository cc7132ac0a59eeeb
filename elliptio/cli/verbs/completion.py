"""``elliptio completion``: a script that lets a shell complete verbs and options."""

from __future__ import annotations

import argparse

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
      --root|--index) ((at++)) ;;
      -*) ;;
      *) verb="${{COMP_WORDS[at]}}"; break ;;
    esac
  done
  case "$verb" in
{cases}
  esac
  COMPREPLY=()
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
    for name, verb in parser.verbs.items():
        cases.append(f'    {name}) words="{" ".join(verb.options)}" ;;')
        for spelled, words in _choices(verb):
            pattern = f'"{name} {spelled or name}"'
            choices.append(f'      {pattern}) COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$word")) ;;')
    return _BASH.format(cases="\n".join(cases), choices="\n".join(choices))


def _fish(parser: Parser) -> str:
    import shlex

    lines = []
    for name, verb in parser.verbs.items():
        lines.append(f"complete -c elliptio -n __fish_use_subcommand -f -a {name} -d {shlex.quote(verb.summary)}")
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        choices = dict(_choices(verb))
        for option in verb.options:
            words = f" -x -a {shlex.quote(' '.join(choices[option]))}" if option in choices else ""
            lines.append(f"complete -c elliptio {seen} -l {option.removeprefix('--')}{words}")
        if "" in choices:
            lines.append(f"complete -c elliptio {seen} -f -a {shlex.quote(' '.join(choices['']))}")
    return "\n".join(lines) + "\n"


def _choices(verb: Parser) -> list[tuple[str, list[str]]]:
    """List what only has certain values, by option; "" is a word without one."""
    return [
        (
            next((name for name in action.option_strings if name.startswith("--")), ""),
            [str(one) for one in action.choices],
        )
        for action in verb._actions
        if action.choices is not None
    ]
