package org.userload.source;

import org.jspecify.annotations.Nullable;

/**
 * A block of a {@code .uli} image is not what was written: it does not decompress, or its checksum does not match. None
 * of its bytes were returned. Pages of other blocks stay readable.
 */
public final class CorruptBlockException extends PageSourceException {
    private final int block;

    CorruptBlockException(String source, int block, String pages, String what, @Nullable Throwable cause) {
        super(
                source + ": block " + block + " (" + pages + ") is corrupt: " + what
                        + "; restore the file from a good copy",
                cause);
        this.block = block;
    }

    /** The number of the corrupt block in its file, from 0. */
    public int block() {
        return block;
    }
}
