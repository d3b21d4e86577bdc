package org.userload.source;

import java.nio.ByteBuffer;

/**
 * Recognises and writes runs of zero bytes, with the vectorised comparison of {@link ByteBuffer#mismatch}. Thread-safe:
 * its own bytes are never written.
 */
final class ZeroBytes {
    private static final int CHUNK_BYTES = 64 << 10;
    private static final byte[] ZEROS = new byte[CHUNK_BYTES];
    private static final ByteBuffer ZERO_CHUNK = ByteBuffer.wrap(ZEROS).asReadOnlyBuffer();

    private ZeroBytes() {}

    /** Whether {@code length} bytes from {@code offset} are all zero. Leaves the buffer cleared. */
    static boolean isZero(ByteBuffer buffer, int offset, int length) {
        int end = offset + length;
        for (int at = offset; at < end; at += CHUNK_BYTES) {
            int chunk = Math.min(CHUNK_BYTES, end - at);
            buffer.limit(at + chunk).position(at);
            // With the shorter side a prefix of the longer, mismatch gives the shorter one's length.
            int mismatch = buffer.mismatch(ZERO_CHUNK);
            if (mismatch >= 0 && mismatch < chunk) {
                buffer.clear();
                return false;
            }
        }
        buffer.clear();
        return true;
    }

    /**
     * One bit for each page of a block, set where the page is all zero; bit 0 is the first page. Leaves the
     * buffer cleared.
     *
     * @param length bytes from index 0 to look at: at most 32 whole pages
     */
    static int zeroPages(ByteBuffer block, int length, int pageBytes) {
        int mask = 0;
        for (int at = 0, page = 0; at < length; at += pageBytes, page++) {
            if (isZero(block, at, pageBytes)) {
                mask |= 1 << page;
            }
        }
        return mask;
    }

    /** Writes {@code length} zero bytes at the buffer's position. */
    static void put(ByteBuffer dst, long length) {
        for (long left = length; left > 0; left -= CHUNK_BYTES) {
            dst.put(ZEROS, 0, (int) Math.min(CHUNK_BYTES, left));
        }
    }
}
