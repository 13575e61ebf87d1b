namespace DbAccess.Domain.Grants;

/// <summary>Who is told. Approvers and channels are no receivers: they have the card, which is drawn anew in its place.</summary>
public enum NoticeReceiver
{
    /// <summary>Whoever has the access, or was to have it.</summary>
    Holder,

    /// <summary>Whoever asked for it: the holder, unless somebody asked on their behalf.</summary>
    Asker,

    /// <summary>Those whom the policy in force calls administrators.</summary>
    Administrators,
}

/// <summary>Something people are still to be told, and who. On record stands its kind, which says the rest.</summary>
public readonly record struct Notice(NoticeKind Kind)
{
    public NoticeReceiver To => Kind switch
    {
        NoticeKind.ReviewBad or NoticeKind.ReviewLate or NoticeKind.CardLost => NoticeReceiver.Administrators,
        NoticeKind.Denied or NoticeKind.Lapsed or NoticeKind.Withdrawn or NoticeKind.Offered or NoticeKind.AskedAgain =>
            NoticeReceiver.Asker,
        _ => NoticeReceiver.Holder,
    };

    /// <summary>It is the last of the message that has held the credentials: that has nothing more to say afterwards.</summary>
    public bool EndsMessage => Kind is NoticeKind.Ended or NoticeKind.Failed or NoticeKind.NotRevealed;

    public override string ToString() => Kind.ToString();
}
