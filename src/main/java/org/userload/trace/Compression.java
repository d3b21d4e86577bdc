package org.userload.trace;

import com.github.luben.zstd.ZstdInputStream;
import com.github.luben.zstd.ZstdOutputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** Compression around a trace: recognised by magic bytes when reading, chosen by file name when writing. */
enum Compression {
    NONE(""),
    GZIP(".gz"),
    ZSTD(".zst");

    /** Slow enough to be worth storing, fast enough for a trace of some hundred megabytes. */
    private static final int ZSTD_LEVEL = 12;

    private static final int BUFFER_BYTES = 1 << 16;
    private static final int MAGIC_BYTES = 4;
    private static final int GZIP_MAGIC = 0x8b1f;
    private static final int ZSTD_MAGIC = 0xfd2fb528;
    /** Skippable frames, which parallel zstd tools put first: 0x184d2a50 to 0x184d2a5f. */
    private static final int ZSTD_SKIPPABLE_MAGIC = 0x184d2a50;

    private final String suffix;

    Compression(String suffix) {
        this.suffix = suffix;
    }

    /** The compression a file name asks for. */
    static Compression ofFileName(String fileName) {
        if (fileName.endsWith(GZIP.suffix)) {
            return GZIP;
        }
        return fileName.endsWith(ZSTD.suffix) ? ZSTD : NONE;
    }

    /** The file name without this compression's suffix. */
    String strip(String fileName) {
        return fileName.substring(0, fileName.length() - suffix.length());
    }

    /** The decompressed bytes of {@code raw}, which the result owns. */
    static InputStream decompress(String file, InputStream raw) throws IOException {
        BufferedInputStream in = new BufferedInputStream(raw, BUFFER_BYTES);
        in.mark(MAGIC_BYTES);
        byte[] magic = in.readNBytes(MAGIC_BYTES);
        in.reset();
        if (magic.length == 0) {
            throw new TraceFormatException(file, "", "an empty file", "a trace");
        }
        int number = 0;
        for (int i = magic.length - 1; i >= 0; i--) {
            number = (number << 8) | (magic[i] & 0xff);
        }
        if ((number & 0xffff) == GZIP_MAGIC) {
            return new GZIPInputStream(in, BUFFER_BYTES);
        }
        if (number == ZSTD_MAGIC || (number & 0xfffffff0) == ZSTD_SKIPPABLE_MAGIC) {
            return new ZstdInputStream(in);
        }
        return in;
    }

    /** A stream that compresses into {@code raw}; closing it ends the compressed file and closes {@code raw}. */
    OutputStream compress(OutputStream raw) throws IOException {
        return switch (this) {
            case NONE -> raw;
            case GZIP -> new GZIPOutputStream(raw, BUFFER_BYTES);
            case ZSTD -> new ZstdOutputStream(raw, ZSTD_LEVEL).setChecksum(true);
        };
    }
}
