using DbAccess.Api.Lambda;
using DbAccess.Application.Evidence.Packs;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Commands;

/// <summary>What the executable was asked to do.</summary>
internal abstract record Verb
{
    private Verb()
    {
    }

    /// <summary>Whether it does not begin while Slack's settings are wrong or missing.</summary>
    public virtual bool NeedsSlack => true;

    /// <summary>Whether it does not begin without a policy that can be used.</summary>
    public virtual bool NeedsPolicy => true;

    /// <summary>Works on what is on record: neither Slack nor a policy has a say in it.</summary>
    public abstract record OnRecord : Verb
    {
        public override bool NeedsSlack => false;

        public override bool NeedsPolicy => false;
    }

    public sealed record Serve(string[] Host) : Verb;

    /// <param name="DryRun">Say what would be done, and do nothing.</param>
    /// <param name="Reconcile">Compare the record with every cluster first.</param>
    /// <param name="Confirm">An administrator says that the record is right.</param>
    /// <param name="Now">Also try what was put off until later.</param>
    public sealed record Sweep(bool DryRun, bool Reconcile, bool Confirm, bool Now = false) : Verb
    {
        public override bool NeedsPolicy => false;
    }

    public sealed record Doctor(bool Json) : Verb;

    /// <param name="Only">The tables to narrow it to; empty for the whole scope.</param>
    public sealed record Plan(DatabaseName Database, ScopeName Scope, IReadOnlyList<TableMention> Only, bool Json) : Verb;

    public sealed record StoreInit : Verb;

    /// <param name="Strict">A warning is a fault.</param>
    /// <param name="Live">Also expand the scopes on the live databases.</param>
    public sealed record PolicyLint(string? Path, bool Strict = false, bool Live = false) : Verb
    {
        public override bool NeedsSlack => false;
    }

    /// <param name="Person">A Slack user id, or null where only groups are given.</param>
    /// <param name="In">The groups they are taken to be in; null asks Slack.</param>
    /// <param name="Ask">As it would be typed in Slack.</param>
    /// <param name="At">When it is asked; null for now.</param>
    public sealed record PolicyExplain(string? Person, IReadOnlyList<string>? In, string Ask, DateTimeOffset? At, string? Path) : Verb;

    public sealed record PolicySchema : Verb;

    public sealed record PolicyHistory : OnRecord;

    /// <param name="Hash">As the history says it, or enough of its beginning.</param>
    public sealed record PolicyShow(string Hash) : OnRecord;

    /// <param name="In">The groups that everybody is taken to be in; null takes the policy's lists of users.</param>
    public sealed record PolicyReplay(string Path, TimeSpan Since, IReadOnlyList<string>? In) : Verb
    {
        public override bool NeedsSlack => false;
    }

    /// <summary>Ends access, without Slack and without a policy.</summary>
    public sealed record Revoke(RevokeWish Target, string Why) : OnRecord;

    /// <param name="From">A folder that was exported; null for the store of the settings.</param>
    /// <param name="Key">A file with the public keys to verify with; null for the installation's own.</param>
    /// <param name="Kept">Files of checkpoints that somebody kept elsewhere.</param>
    public sealed record AuditVerify(string? From, string? Key, IReadOnlyList<string> Kept) : OnRecord;

    /// <param name="Withhold">Sealed values that are left out, by name.</param>
    public sealed record AuditExport(string To, PackSelection Selection, IReadOnlyList<string> Withhold) : OnRecord;

    public sealed record AuditReport(string To, DateTimeOffset From, DateTimeOffset Until) : OnRecord;

    /// <param name="Webhook">Which of <c>Audit:Webhooks</c>.</param>
    /// <param name="From">The first event that it gets again.</param>
    public sealed record AuditResend(int Webhook, long From) : OnRecord;

    /// <param name="Kept">Files of checkpoints that somebody kept elsewhere.</param>
    /// <param name="Yes">Do it, and do not only say it.</param>
    public sealed record AuditRepair(IReadOnlyList<string> Kept, bool Yes) : OnRecord;

    /// <param name="Change">Begin with another key.</param>
    /// <param name="OldKey">The key in KMS that signed so far; null for one that was kept here, or is lost.</param>
    public sealed record AuditKey(bool Change, string? OldKey = null) : OnRecord;

    /// <summary>Asks a serving process on this machine whether it is up.</summary>
    public sealed record Health(Uri Address) : Verb;

    public sealed record Lambda(LambdaFunction Function) : Verb
    {
        public override bool NeedsPolicy => false;
    }

    /// <summary>Print and leave with this exit code.</summary>
    public sealed record Say(string Text, int Exit) : Verb;
}
