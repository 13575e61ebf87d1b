using FluentValidation;

namespace DbAccess.Application.Grants;

/// <summary>What a reason has to be that goes on the record, whatever it is a reason for.</summary>
internal static class ReasonRules
{
    /// <param name="missing">What is said where there is none.</param>
    public static IRuleBuilderOptions<T, string> IsReason<T>(this IRuleBuilder<T, string> rule, string missing) => rule
        .Must(why => !string.IsNullOrWhiteSpace(why)).WithMessage(missing)
        .MaximumLength(CreateGrant.LongestReason).WithMessage($"The reason is longer than {CreateGrant.LongestReason} characters.")
        .Must(why => !why.Contains('\0', StringComparison.Ordinal))
            .WithMessage("The reason holds a character that cannot be stored (NUL).");
}
