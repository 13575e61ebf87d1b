using DbAccess.Api.Slack.Words;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Tests.Slack;

/// <summary>Errors of PostgreSQL as people paste them, in the languages of its server.</summary>
public sealed class ErrorWordsTests
{
    [Theory]
    [InlineData("ERROR: permission denied for table invoices", ObjectKind.Table)]
    [InlineData("ERROR:  permission denied for relation invoices", ObjectKind.Table)]
    [InlineData("permission denied for table invoices", ObjectKind.Table)]
    [InlineData("permission denied for table invoices.", ObjectKind.Table)]
    [InlineData("permission denied for table \"invoices\"", ObjectKind.Table)]
    [InlineData("psycopg2.errors.InsufficientPrivilege: permission denied for table invoices\n", ObjectKind.Table)]
    [InlineData("org.postgresql.util.PSQLException: ERROR: permission denied for table invoices", ObjectKind.Table)]
    [InlineData("SQLSTATE[42501]: Insufficient privilege: 7 ERROR:  permission denied for table invoices (SQL: x)", ObjectKind.Table)]
    [InlineData("ERROR:  42501: permission denied for table invoices", ObjectKind.Table)]
    [InlineData("ERROR: permission denied for table invoices (SQLSTATE 42501)", ObjectKind.Table)]
    [InlineData("ERROR: permission denied for view invoices", ObjectKind.View)]
    [InlineData("ERROR: permission denied for materialized view invoices", ObjectKind.View)]
    [InlineData("ERROR: permission denied for foreign table invoices", ObjectKind.Table)]
    [InlineData("ERROR: permission denied for sequence invoices", ObjectKind.Sequence)]
    [InlineData("ERROR: permission denied for function invoices", ObjectKind.Function)]
    [InlineData("ERROR: permission denied for schema invoices", ObjectKind.Schema)]
    [InlineData("FEHLER:  keine Berechtigung für Tabelle invoices", ObjectKind.Table)]
    [InlineData("FEHLER:  keine Berechtigung für materialisierte Sicht invoices", ObjectKind.View)]
    [InlineData("FEHLER:  keine Berechtigung für Schema invoices", ObjectKind.Schema)]
    [InlineData("ERREUR:  droit refusé pour la table invoices", ObjectKind.Table)]
    [InlineData("ERREUR:  droit refusé pour la table distante invoices", ObjectKind.Table)]
    [InlineData("ERROR:  permiso denegado a la tabla invoices", ObjectKind.Table)]
    [InlineData("ERROR:  permiso denegado al esquema invoices", ObjectKind.Schema)]
    [InlineData("ERRO:  permissão negada para tabela invoices", ObjectKind.Table)]
    [InlineData("ERRORE:  permesso negato per la tabella invoices", ObjectKind.Table)]
    [InlineData("ОШИБКА:  нет доступа к таблице invoices", ObjectKind.Table)]
    [InlineData("ОШИБКА:  нет доступа к последовательности invoices", ObjectKind.Sequence)]
    [InlineData("ПОМИЛКА:  немає дозволу для таблиці invoices", ObjectKind.Table)]
    [InlineData("FEL:  rättighet saknas för tabell invoices", ObjectKind.Table)]
    [InlineData("ERROR:  テーブル invoices へのアクセスが拒否されました", ObjectKind.Table)]
    [InlineData("ERROR:  テーブルinvoicesへのアクセスが拒否されました", ObjectKind.Table)]
    [InlineData("ERROR:  スキーマ invoices へのアクセスが拒否されました", ObjectKind.Schema)]
    [InlineData("错误:  对表 invoices 权限不够", ObjectKind.Table)]
    [InlineData("错误:  对于序列 invoices, 权限不够", ObjectKind.Sequence)]
    [InlineData("오류:  invoices 테이블에 대한 접근 권한 없음", ObjectKind.Table)]
    public void The_thing_and_its_kind_are_read(string pasted, ObjectKind kind)
    {
        var error = Read(pasted);

        Assert.Equal(new DeniedObject(kind, "invoices"), error!.Denied);
        Assert.Null(error.Database);
        Assert.Equal("orders", Read($"orders {pasted}")!.Database!.Value);
        Assert.Equal("orders", Read($"orders=> {pasted}")!.Database!.Value);
    }

    [Theory]
    [InlineData("ERROR: must be owner of table invoices")]
    [InlineData("ERROR: must be owner of relation invoices")]
    [InlineData("FEHLER:  Berechtigung nur für Eigentümer der Tabelle invoices")]
    [InlineData("ERREUR:  doit être le propriétaire de la table invoices")]
    [InlineData("ERROR:  debe ser dueño de la tabla invoices")]
    [InlineData("ERRORE:  bisogna essere proprietari della tabella invoices")]
    [InlineData("ОШИБКА:  нужно быть владельцем таблицы invoices")]
    [InlineData("ERROR:  テーブル invoices の所有者である必要があります")]
    [InlineData("错误:  必须是表 invoices 的属主")]
    [InlineData("오류:  invoices 테이블의 소유주여야만 합니다")]
    public void What_takes_an_owner_is_told_from_what_takes_a_privilege(string pasted) =>
        Assert.Equal(new DeniedObject(null, "invoices", AsOwner: true), Read(pasted)!.Denied);

    [Theory]
    [InlineData("ERROR: permission denied for column \"total\" of relation \"invoices\"")]
    [InlineData("FEHLER:  keine Berechtigung für Spalte »total« von Relation »invoices«")]
    [InlineData("ERREUR:  droit refusé pour la colonne « total » de la relation « invoices »")]
    [InlineData("ОШИБКА:  нет доступа к столбцу \"total\" отношения \"invoices\"")]
    [InlineData("ERROR:  リレーション\"invoices\"の列\"total\"へのアクセスが拒否されました")]
    public void A_column_is_read_with_its_table(string pasted) => Assert.Equal(new DeniedObject(null, "invoices", "total"), Read(pasted)!.Denied);

    [Theory]
    [InlineData("ERROR: permission denied for table invoices\nSTATEMENT: UPDATE invoices SET paid = true", Privilege.Update)]
    [InlineData("orders=> delete from invoices;\nERROR: permission denied for table invoices", Privilege.Delete)]
    [InlineData("ERROR: permission denied for table invoices\n[SQL: SELECT * FROM invoices]", Privilege.Select)]
    public void What_was_tried_is_read_where_it_was_pasted_too(string pasted, Privilege wanted) => Assert.Equal(wanted, Read(pasted)!.Denied!.Wanted);

    [Theory]
    [InlineData("HATA: 42501: \"invoices\" xyz")]
    [InlineData("BŁĄD: xyz invoices (SQLSTATE 42501)")]
    public void In_another_language_the_state_and_the_words_are_enough_to_look_for_it(string pasted)
    {
        var error = Read(pasted);

        Assert.Null(error!.Denied);
        Assert.Contains("invoices", error.Names);
    }

    [Theory]
    [InlineData("orders read 30m because permission denied for table invoices")]
    [InlineData("orders read because ERROR: permission denied for table invoices")]
    [InlineData("orders read 30m permission denied for table invoices")]
    [InlineData("because 42501")]
    [InlineData("orders read 30m because stuck")]
    [InlineData("permission please")]
    public void A_request_that_speaks_of_an_error_is_a_request(string typed) => Assert.Null(Read(typed));

    private static PastedError? Read(string typed) => ErrorWords.Read(typed, SomeOffers.Usual.Names);
}
