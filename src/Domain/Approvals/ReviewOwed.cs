using System.Text.Json.Serialization;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Approvals;

/// <summary>
/// What was taken without asking is looked at afterwards: somebody of these groups says whether it was all right. Until then its holder
/// breaks no other glass.
/// </summary>
/// <param name="Tell">The channel where it is asked and told; null: directly.</param>
/// <param name="Within">How long after it was given administrators are told that nobody has looked.</param>
public sealed record ReviewOwed(string? Tell, ApprovalStage Reviewers, TimeSpan Within)
{
    /// <summary>After so long they are told again, and until then it stands where what is to be done next is looked for.</summary>
    public static readonly TimeSpan Again = TimeSpan.FromDays(7);

    /// <summary>When it was given; null before that, when nothing is owed yet.</summary>
    public DateTimeOffset? Since { get; init; }

    public PrincipalId? By { get; init; }

    public string? Called { get; init; }

    /// <summary>When somebody answered; null as long as nobody has.</summary>
    public DateTimeOffset? At { get; init; }

    public bool AllRight { get; init; }

    /// <summary>What was not all right.</summary>
    public string? Why { get; init; }

    public bool Escalated { get; init; }

    /// <summary>When administrators were told last that nobody has looked; null before that.</summary>
    public DateTimeOffset? ToldAt { get; init; }

    [JsonIgnore]
    public bool IsOwed => Since is not null && At is null;

    /// <summary>When administrators are to be told (again) that nobody has looked.</summary>
    [JsonIgnore]
    public DateTimeOffset? LateAt => !IsOwed ? null : Escalated ? (ToldAt ?? Since + Within) + Again : Since + Within;
}
