using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Evidence;

/// <summary>A command whose every attempt goes on the audit record, refused ones included.</summary>
public interface IAudited
{
    Actor By { get; }

    /// <summary>What it is about: a grant id, or a database and scope. No free text.</summary>
    string Subject { get; }

    /// <summary>The grant it names; null when it names none.</summary>
    GrantId? About => GrantId.Parse(Subject);

    /// <summary>It changes nothing, so only who was refused is on record.</summary>
    bool OnlyRefusals => false;

    /// <summary>It takes access away: that goes on when it cannot be recorded, and is recorded afterwards.</summary>
    bool EndsAccess => false;
}
