using System.Globalization;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>Stages as the log has them: <c>2 of dba</c>.</summary>
internal static class PackStages
{
    /// <summary>How many have to agree; one where that cannot be read.</summary>
    public static int Wanted(string stage) => stage.Split(' ') is [var number, ..]
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var wanted) && wanted is > 0 and < 1000 ? wanted : 1;
}
