using System.IO.Compression;
using System.Text;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Evidence.Packs;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>Long texts as compressed bytes, since each kilobyte of a write costs, and twice that in a transaction.</summary>
internal static class DynamoPacking
{
    /// <summary>Shorter ones are not worth it.</summary>
    private const int Worth = 600;

    // What was put there by hand must not fill the memory; ours come from items of at most 400 KB, and statements from 64 KiB of text.
    private const int Longest = 16 * 1024 * 1024;

    /// <summary>The attribute beside <paramref name="name"/> that has the text when it is compressed.</summary>
    public static string Packed(string name) => $"{name}_br";

    public static void SetPacked(this Dictionary<string, AttributeValue> item, string name, string? text, int worth = Worth)
    {
        if (text is not null && text.Length > worth && Pack(text) is var bytes && bytes.Length < text.Length)
            item[Packed(name)] = DynamoItem.Bytes(bytes);
        else item.SetText(name, text);
    }

    /// <summary>Null when it is not there, and when what is there was never written by us.</summary>
    public static string? PackedTextOf(this Dictionary<string, AttributeValue> item, string name) =>
        item.TextOf(name) ?? (item.GetValueOrDefault(Packed(name))?.B is { } packed ? Unpack(packed) : null);

    private static byte[] Pack(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var packed = new byte[BrotliEncoder.GetMaxCompressedLength(bytes.Length)];
        return BrotliEncoder.TryCompress(bytes, packed, out var length, quality: 9, window: 22)
            ? packed[..length] : throw new DynamoStoreException("A text could not be compressed.");
    }

    private static string? Unpack(MemoryStream packed)
    {
        packed.Position = 0;
        try
        {
            using var reader = new BrotliStream(packed, CompressionMode.Decompress, leaveOpen: true);
            using var text = new MemoryStream();
            var buffer = new byte[16 * 1024];
            for (int read; (read = reader.Read(buffer)) > 0;)
            {
                if (text.Length + read > Longest) return null;
                text.Write(buffer, 0, read);
            }

            // Nothing that is packed is empty; bytes that break off are read as that.
            return text.Length == 0 ? null : Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
        }
        catch (Exception fault) when (fault is InvalidOperationException or InvalidDataException)
        {
            return null;
        }
    }
}
