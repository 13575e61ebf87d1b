namespace DbAccess.Infrastructure.Postgres.Doctor;

/// <summary>What an examination says that takes more than a line. Pure.</summary>
internal static class DoctorWords
{
    public static string Iam(string administrator) =>
        $"{administrator} is a member of rds_iam, by itself or through another role: RDS takes no password from it any more, so that no " +
        "new connection is let in, and nobody's access ends there. What it was to be given of that role's tables, give it table by " +
        "table (GRANT … WITH GRANT OPTION).";
}
