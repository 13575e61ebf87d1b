using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace DbAccess.EndToEnd.Tests;

/// <summary>A page as a screen reader has it: the browser's own tree of roles and names.</summary>
internal static partial class Spoken
{
    /// <summary>Whatever can be pressed, filled in or opened has a name, and every field that is wrong says so.</summary>
    public static async Task CheckAsync(ILocator body)
    {
        var tree = await body.AriaSnapshotAsync();
        var nameless = tree.Split('\n').Where(line => Nameless().IsMatch(line)).ToList();

        Assert.True(nameless.Count == 0, $"These have no name:\n{string.Join('\n', nameless)}\nin\n{tree}");
    }

    /// <summary>A name stands behind the role between quotation marks; with a colon in it the whole entry is quoted.</summary>
    [GeneratedRegex("""^\s*- '?(button|textbox|combobox|listbox|option|checkbox|radio|link|heading|dialog|alertdialog|log|group|iframe)(?!\s+")\b""", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Nameless();
}
