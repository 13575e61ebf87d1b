namespace DbAccess.Application.Grants;

/// <summary>What came of a step.</summary>
public enum StepOutcome
{
    /// <summary>Nothing was due, or another worker has it.</summary>
    Nothing,

    /// <summary>The holder has the credentials.</summary>
    Given,

    /// <summary>The role could not be made, and is proved absent.</summary>
    Failed,

    /// <summary>Gone, and proved.</summary>
    Ended,

    /// <summary>Locked out and without sessions; the rest waits.</summary>
    Quarantined,

    /// <summary>Something was told, or is owed to be told.</summary>
    Told,

    /// <summary>It did not work now and is due again later.</summary>
    Postponed,
}
