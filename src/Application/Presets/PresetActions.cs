namespace DbAccess.Application.Presets;

/// <summary>The buttons of presets. What they carry is a grant's id or a preset's key and never authority.</summary>
public static class PresetActions
{
    /// <summary>Opens the form that asks for a name; its value is a grant's id.</summary>
    public const string Keep = "keep_preset";

    /// <summary>Asks for what is kept; its value is <see cref="Preset.Key"/>.</summary>
    public const string File = "file_preset";
    public const string Drop = "drop_preset";
}
