using System.Text;
using System.Text.RegularExpressions;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Slack.Words;

/// <summary>
/// How PostgreSQL says that something may not be done, in the languages that its server speaks. Where one of them is not here, SQLSTATE
/// 42501 and a name in quotation marks are enough. Pure.
/// </summary>
internal static class PostgresErrors
{
    private const string Quote = "[\"«»„“”‘’'`]";

    // Names have 63 bytes at most. Without a bound, one long word would be tried from each of its letters to its end.
    private const string Quoted = $"{Quote}\\s?(?<name>[^\"«»„“”‘’'`\\r\\n]{{1,64}}?)\\s?{Quote}";
    private const string Name = $"(?:{Quoted}|(?<name>[^\\s\"«»„“”‘’'`]{{1,64}}))";

    // Where more of the message follows, the name is what is left of it.
    private const string ShortName = $"(?:{Quoted}|(?<name>[^\\s\"«»„“”‘’'`]{{1,64}}?))";

    // {k}: one of the words behind it, {n}: the name. Tables, foreign tables, relations; views; sequences; functions and the like; schemas.
    private static readonly (string Format, string Tables, string Views, string Sequences, string Functions, string Schemas)[] Denied =
    [
        ("permission denied for {k} {n}", "table|foreign table|relation", "view|materialized view", "sequence",
            "function|procedure|routine|aggregate", "schema"),
        ("keine Berechtigung für {k} {n}", "Tabelle|Fremdtabelle|Relation", "Sicht|materialisierte Sicht", "Sequenz",
            "Funktion|Prozedur|Routine|Aggregatfunktion", "Schema"),
        ("droit refusé pour {k} {n}", "la table|la table distante|la relation", "la vue|la vue matérialisée", "la séquence",
            "la fonction|la procédure|la routine", "le schéma"),
        ("permiso denegado {k} {n}", "a la tabla|a la tabla foránea|a la relación", "a la vista|a la vista materializada", "a la secuencia",
            "a la función|al procedimiento|a la rutina", "al esquema"),
        ("permissão negada para {k} {n}", "tabela|relação", "visão|visão materializada", "sequência", "função|procedimento|rotina",
            "esquema"),
        ("permesso negato per {k} {n}", "la tabella|la tabella esterna|la relazione", "la vista|la vista materializzata", "la sequenza",
            "la funzione|la procedura|la routine", "lo schema"),
        ("нет доступа к {k} {n}", "таблице|сторонней таблице|отношению", "представлению|материализованному представлению",
            "последовательности", "функции|процедуре|подпрограмме", "схеме"),
        ("немає дозволу для {k} {n}", "таблиці|сторонньої таблиці|відношення", "подання|матеріалізованого подання", "послідовності",
            "функції|процедури|підпрограми", "схеми"),
        ("rättighet saknas för {k} {n}", "tabell|främmande tabell|relation", "vy|materialiserad vy", "sekvens", "funktion|procedur|rutin",
            "schema"),
        ("{k} {n} へのアクセスが拒否されました", "テーブル|外部テーブル|リレーション", "ビュー|実体化ビュー|マテリアライズドビュー", "シーケンス",
            "関数|プロシージャ|ルーチン", "スキーマ"),
        ("对{k} {n} 权限不够", "表|关系", "视图|物化视图", "序列", "函数|过程", "模式"),
        ("对于{k} {n}, 权限不够", "表", "视图", "序列", "函数", "模式"),
        ("访问{k} {n} 的权限不足", "外部表", "视图", "序列", "函数", "模式"),
        ("{n} {k}에 대한 접근 권한 없음", "테이블", "뷰|구체화된 뷰", "시퀀스", "함수|프로시져|루틴", "스키마"),
        ("{n} {k} 접근 권한 없음", "외부 테이블", "뷰", "시퀀스", "함수", "스키마(schema)"),
    ];

    // The last word is the name; whatever kind of thing it is, its owner is what it takes.
    private static readonly string[] Owner =
    [
        "must be owner of {x} {n}", "Berechtigung nur für Eigentümer {x} {n}", "doit être le propriétaire {x} {n}",
        "debe ser dueño {x} {n}",
        "deve ser o dono {x} {n}", "bisogna essere proprietari {x} {n}", "нужно быть владельцем {x} {n}", "треба бути власником {x} {n}",
        "måste vara ägaren till {x} {n}", "{x} {n} の所有者である必要があります", "必须是{x} {n} 的属主", "{n} {x}의 소유주여야만 합니다",
    ];

    // {c}: the column, {n}: the relation, both in quotation marks.
    private static readonly string[] Columns =
    [
        "permission denied for column {c} of relation {n}", "keine Berechtigung für Spalte {c} von Relation {n}",
        "droit refusé pour la colonne {c} de la relation {n}", "permiso denegado a la columna {c} de la relación {n}",
        "permissão negada para coluna {c} da relação {n}", "permesso negato per la colonna {c} della relazione {n}",
        "нет доступа к столбцу {c} отношения {n}", "немає дозволу для стовпця {c} відношення {n}",
        "rättighet saknas för kolumn {c} i relation {n}", "リレーション {n} の列 {c} へのアクセスが拒否されました",
        "访问关系 {n} 的列 {c} 的权限不够", "{c} 칼럼(해당 릴레이션: {n} ) 접근 권한 없음",
    ];

    private static readonly (Regex Shape, ObjectKind? Kind, bool Owner)[] Shapes =
    [
        .. Columns.Select(format => (Of(format, ""), (ObjectKind?)null, false)),
        .. Denied.Select(one => (Of(one.Format, one.Tables), (ObjectKind?)ObjectKind.Table, false)),
        .. Denied.Select(one => (Of(one.Format, one.Views), (ObjectKind?)ObjectKind.View, false)),
        .. Denied.Select(one => (Of(one.Format, one.Sequences), (ObjectKind?)ObjectKind.Sequence, false)),
        .. Denied.Select(one => (Of(one.Format, one.Functions), (ObjectKind?)ObjectKind.Function, false)),
        .. Denied.Select(one => (Of(one.Format, one.Schemas), (ObjectKind?)ObjectKind.Schema, false)),
        .. Owner.Select(format => (Of(format, ""), (ObjectKind?)null, true)),
    ];

    /// <summary>The first such message in a text and where it begins; null when there is none.</summary>
    public static (DeniedObject Denied, int Start)? Find(string text)
    {
        foreach (var (shape, kind, owner) in Shapes)
        {
            if (shape.Match(text) is not { Success: true } match) continue;
            var name = match.Groups["name"].Value.TrimEnd('.', ',', ';', ':', '!', ')');
            if (name.Length == 0) continue;
            var column = match.Groups["column"] is { Success: true, Value: var inside } ? inside : null;
            return (new DeniedObject(kind, name, column, AsOwner: owner), match.Index);
        }

        return null;
    }

    private static Regex Of(string format, string nouns)
    {
        // Where letters are not parted by spaces, translators came to leave them out.
        var close = format.Any(letter => letter > '\u2fff');
        var shape = new StringBuilder();
        foreach (var piece in Pieces().Split(format))
        {
            shape.Append(piece switch
            {
                // The longer first: a foreign table is no table called foreign.
                "{k}" => $"(?:{string.Join('|', nouns.Split('|').OrderByDescending(Length).Select(noun => Loose(noun, "\\s+")))})",
                "{n}" => format.EndsWith("{n}", StringComparison.Ordinal) ? Name : ShortName,
                "{c}" => $"{Quote}\\s?(?<column>[^\"«»„“”\\r\\n]{{1,64}}?)\\s?{Quote}",
                "{x}" => close ? "[^\\s]{0,20}?" : "[^\\r\\n]{0,40}?",
                _ => Loose(piece, close ? "\\s*" : "\\s+"),
            });
        }

        // The name of an owner's thing is the last word of its line.
        if (format.Contains("{x}", StringComparison.Ordinal) && format.EndsWith("{n}", StringComparison.Ordinal))
            shape.Append("\\s*(?:$|[\\r\\n])");
        return new Regex(shape.ToString(), RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeSpan.FromSeconds(1));
    }

    private static int Length(string words) => words.Length;

    private static string Loose(string words, string gap) => Regex.Escape(words).Replace("\\ ", gap, StringComparison.Ordinal);

    // Split keeps what a group holds.
    private static Regex Pieces() => new("(?<piece>\\{[a-z]\\})", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
