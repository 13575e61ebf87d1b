using DbAccess.Domain;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Reconciling;

/// <summary>What a comparison says about what it does. Pure.</summary>
internal static class ReconcileWords
{
    /// <summary>There is no grant on record that could keep the receipt.</summary>
    public static string Of(RemovalReceipt receipt)
    {
        List<string> parts = [];
        if (receipt.SessionsEnded > 0) parts.Add($"sessions cut: {receipt.SessionsEnded}");
        if (receipt.HandedOver.Count > 0) parts.Add($"kept under the escrow role: {string.Join(", ", receipt.HandedOver)}");
        if (receipt.Dropped.Count > 0) parts.Add($"went with it: {string.Join(", ", receipt.Dropped)}");
        parts.AddRange(receipt.Remarks);
        return parts.Count == 0 ? "" : $" {Show.Together(parts)}";
    }

    public static string Would(Mending mend) => mend switch
    {
        Mending.Remove => "It would be removed",
        Mending.Supersede => "The grant would be ended, and its holder told",
        Mending.Lock => "Its login and password would be taken away",
        Mending.RevokeMembership => "The membership would be taken back",
        Mending.ForgetDefaults => "They would be taken back",
        Mending.Strip => "All of it would be taken back, and the role dropped once nobody is a member of it",
        _ => "It would be dropped",
    };

    public static string Did(Mending mend) => mend switch
    {
        Mending.Remove => "It was removed, and that was checked",
        Mending.Supersede => "The grant is being ended, and its holder is told",
        Mending.Lock => "Its login and password were taken away",
        Mending.RevokeMembership => "The membership was taken back",
        Mending.ForgetDefaults => "They were taken back",
        Mending.Strip => "All of it was taken back, and the role is dropped once nobody is a member of it",
        _ => "It was dropped",
    };
}
