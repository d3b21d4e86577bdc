package org.userload.memory;

import java.nio.ByteBuffer;

/** Whether bytes are all zero, by the JDK's vectorised comparison with bytes that are. */
final class ZeroBytes {
    /** Compared at once: small enough to stay in the first cache. */
    private static final int PIECE = 4096;

    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(PIECE).asReadOnlyBuffer();

    private ZeroBytes() {}

    /** Leaves at the first piece that is not zero. */
    static boolean isZero(ByteBuffer bytes, int start, int length) {
        if (bytes.getLong(start) != 0) {
            return false; // most pages of content; needs no comparison to be set up
        }
        for (int at = 0; at < length; at += PIECE) {
            if (bytes.slice(start + at, PIECE).mismatch(ZEROS) >= 0) {
                return false;
            }
        }
        return true;
    }
}
