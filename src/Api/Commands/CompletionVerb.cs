using System.CommandLine;

namespace DbAccess.Api.Commands;

/// <summary>
/// <c>completion</c>: the lines that make a shell finish our words. The script asks the program itself (<c>[suggest:POSITION] LINE</c>),
/// so it needs no change when a verb comes.
/// </summary>
internal static class CompletionVerb
{
    private const string Bash = """
        # source <(dbaccess completion bash)
        _dbaccess() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$(dbaccess "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _dbaccess dbaccess
        """;

    private const string Zsh = """
        # source <(dbaccess completion zsh)
        _dbaccess() {
          local -a words_of_it
          words_of_it=("${(@f)$(dbaccess "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
          compadd -a words_of_it
        }
        compdef _dbaccess dbaccess
        """;

    private const string Fish = """
        # dbaccess completion fish | source
        complete -c dbaccess -f -a '(dbaccess "[suggest:"(commandline -C)"]" (commandline -p) 2>/dev/null)'
        """;

    public static Command Describe() => VerbCommand.Group("completion", "What makes a shell finish the words of this program.",
        Of("bash", "source <(dbaccess completion bash)", Bash), Of("zsh", "source <(dbaccess completion zsh)", Zsh),
        Of("fish", "dbaccess completion fish | source", Fish));

    private static VerbCommand Of(string shell, string use, string script) =>
        new(shell, $"For {shell}: {use}", _ => new Verb.Say(script, ExitCode.Success));
}
