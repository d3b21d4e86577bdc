package org.userload.pack;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How the content of pages is compressed on the wire. */
public enum Compression {
    /** Not at all. */
    NONE(0),
    /** One Zstandard frame (RFC 8878), fastest level: the smaller result. */
    ZSTD(1),
    /** One LZ4 block: the faster one; the result is larger by half or more. */
    LZ4(2);

    private final int code;

    Compression(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The compression of a number on the wire; null when there is none, and for {@link #NONE}, which has no packed form. */
    public static @Nullable Compression ofCode(int code) {
        return switch (code) {
            case 1 -> ZSTD;
            case 2 -> LZ4;
            default -> null;
        };
    }

    /**
     * Native state that compresses; the caller closes it.
     *
     * @throws IllegalStateException for {@link #NONE}
     */
    public PagePacker newPacker() {
        return switch (this) {
            case NONE -> throw new IllegalStateException("nothing packs without compression");
            case ZSTD -> new ZstdPacker();
            case LZ4 -> new Lz4Packer();
        };
    }

    /**
     * Native state that decompresses; the caller closes it.
     *
     * @throws IllegalStateException for {@link #NONE}
     */
    public PageUnpacker newUnpacker() {
        return switch (this) {
            case NONE -> throw new IllegalStateException("nothing unpacks without compression");
            case ZSTD -> new ZstdUnpacker();
            case LZ4 -> new Lz4Unpacker();
        };
    }

    /** As on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
