package org.userload.fault;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.userload.linux.Mapping;

/**
 * A few pages filled with the pattern of the guest's free memory, to copy from. Made when the first such page is known; a
 * session has one pattern.
 *
 * <p><b>Threads.</b> Any. <b>Ownership.</b> The interceptor closes it after the last install.
 */
final class PatternPages implements AutoCloseable {
    /** What one install copies: nearly as fast per page as 2 MiB at once. */
    static final int PAGES = 16;

    private volatile @Nullable Filled filled;

    private record Filled(long pattern, Mapping pages) {}

    /**
     * Fills the pages, the first time.
     *
     * @param pattern what each little-endian 8 bytes hold
     * @throws IllegalStateException when they hold another pattern
     */
    void prepare(long pattern, int pageShift) {
        Filled now = filled;
        if (now == null) {
            now = fill(pattern, pageShift);
        }
        if (now.pattern != pattern) {
            throw new IllegalStateException(
                    String.format("free pages hold 0x%x already, and not 0x%x", now.pattern, pattern));
        }
    }

    private synchronized Filled fill(long pattern, int pageShift) {
        Filled now = filled;
        if (now == null) {
            int bytes = PAGES << pageShift;
            Mapping pages = Mapping.anonymous(bytes);
            ByteBuffer words = pages.buffer(0, bytes).order(ByteOrder.LITTLE_ENDIAN);
            while (words.hasRemaining()) {
                words.putLong(pattern);
            }
            now = new Filled(pattern, pages);
            filled = now;
        }
        return now;
    }

    /** Host address of {@value #PAGES} pages. */
    long address() {
        Filled now = filled;
        if (now == null) {
            throw new IllegalStateException("no pattern is known");
        }
        return now.pages.address();
    }

    @Override
    public void close() {
        Filled now = filled;
        if (now != null) {
            now.pages.close();
        }
    }
}
