using DbAccess.Application.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Ports;

/// <summary>One attempt to do something, whether it was carried out or refused.</summary>
/// <param name="Action">The command's name: <c>CreateGrant</c>.</param>
/// <param name="Subject">What it was about: a grant id, or a database and scope.</param>
/// <param name="Outcome"> <c>done</c>, <c>failed</c>, or the code of the refusal. Of a removal that no grant's record keeps, a colon
/// follows and what was found and done. </param>
/// <param name="Correlation">The id that the log lines of the same request carry.</param>
public sealed record AuditRecord(DateTimeOffset At, string Action, Actor By, string Subject, string Outcome, string? Correlation);

/// <summary>
/// The record of attempts, append only. What happened to a grant is told by its own events; here stands who tried what, refused attempts
/// included.
/// </summary>
public interface IAuditTrail
{
    /// <summary>On disk before it returns. A failure is the caller's failure: what cannot be recorded is not done.</summary>
    Task AppendAsync(AuditRecord record, CancellationToken cancellationToken);
}
