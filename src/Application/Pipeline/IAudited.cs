using DbAccess.Domain.Principals;

namespace DbAccess.Application.Pipeline;

/// <summary>A command whose every attempt goes on the audit record, refused ones included.</summary>
public interface IAudited
{
    Actor By { get; }

    /// <summary>What it is about: a grant id, or a database and scope. No free text.</summary>
    string Subject { get; }
}
