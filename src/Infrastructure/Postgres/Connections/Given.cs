using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// A value for a statement, by its type: no lookup of types at run time, so that it works when compiled ahead of time. Made anew for each
/// statement.
/// </summary>
internal readonly struct Given
{
    private Given(NpgsqlParameter parameter) => Parameter = parameter;

    public NpgsqlParameter Parameter { get; }

    /// <summary>For the record of what was run.</summary>
    public override string ToString() => Parameter.Value switch
    {
        null or DBNull => "NULL",
        string text => $"'{text}'",
        DateTime instant => instant.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        Array many => $"{{{string.Join(',', many.Cast<object?>().Take(Most))}{(many.Length > Most ? $",… ({many.Length})" : "")}}}",
        var other => Convert.ToString(other, CultureInfo.InvariantCulture) ?? "",
    };

    private const int Most = 20;

    public static implicit operator Given(string? value) => Of(value, NpgsqlDbType.Text);

    public static implicit operator Given(string[] value) => Of(value, NpgsqlDbType.Array | NpgsqlDbType.Text);

    public static implicit operator Given(bool value) => Of(value, NpgsqlDbType.Boolean);

    public static implicit operator Given(int value) => Of(value, NpgsqlDbType.Integer);

    public static implicit operator Given(long value) => Of(value, NpgsqlDbType.Bigint);

    public static implicit operator Given(uint value) => Of(value, NpgsqlDbType.Oid);

    public static implicit operator Given(long[] value) => Of(value, NpgsqlDbType.Array | NpgsqlDbType.Bigint);

    public static implicit operator Given(uint[] value) => Of(value, NpgsqlDbType.Array | NpgsqlDbType.Oid);

    public static implicit operator Given(int[] value) => Of(value, NpgsqlDbType.Array | NpgsqlDbType.Integer);

    /// <summary>An instant: <c>timestamptz</c>.</summary>
    public static implicit operator Given(DateTimeOffset value) => Of(value.UtcDateTime, NpgsqlDbType.TimestampTz);

    private static Given Of<T>(T value, NpgsqlDbType type) => new(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });
}
