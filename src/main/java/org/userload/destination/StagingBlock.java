package org.userload.destination;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;
import org.userload.linux.HugePages;
import org.userload.linux.Mapping;
import org.userload.protocol.FrameLayout;

/**
 * A huge page of memory in which the content of one frame is received, so that it can become guest memory without a copy.
 *
 * <pre>
 *                 multiple of 2 MiB
 *                 |
 *   +-------------+----------------------------+
 *   | ... header  | content                    |
 *   +-------------+----------------------------+
 *     24 bytes      2 MiB
 * </pre>
 *
 * <p>When its memory was taken, the next receive finds a fresh huge page there. There is one such block: content is received into
 * it only after what was in it has been installed, which is so because the stream loop does one after the other; {@link
 * #lend} holds it to that.
 *
 * <p>Stream loop only. The owner closes it, on that loop.
 */
final class StagingBlock implements AutoCloseable {
    /** Pages of 4 KiB in it. */
    static final int PAGES = HugePages.BYTES >>> 12;

    private final Mapping mapping;
    private final long contentAddress;
    private final ByteBuf bytes;

    StagingBlock() {
        int before = Mapping.hostPageSize();
        mapping = Mapping.aligned(before + HugePages.BYTES, HugePages.BYTES, before);
        mapping.preferHugePages(before, HugePages.BYTES);
        contentAddress = mapping.address() + before;
        int room = FrameLayout.HEADER_BYTES + HugePages.BYTES;
        bytes = Unpooled.wrappedBuffer(mapping.buffer(before - FrameLayout.HEADER_BYTES, room));
    }

    /** Whether a block of guest memory could be moved here from there: both begin where a huge page can. */
    static boolean canBecome(long hostAddress, int pages) {
        return pages == PAGES && hostAddress % HugePages.BYTES == 0;
    }

    /** Header and content, from index 0. */
    ByteBuf bytes() {
        return bytes;
    }

    /** Host address of the content. */
    long contentAddress() {
        return contentAddress;
    }

    /** The bytes, retained and ready to be written from an index on; null while they are lent. */
    @Nullable
    ByteBuf lend(int index) {
        return bytes.refCnt() == 1 ? bytes.setIndex(index, index).retain() : null;
    }

    @Override
    public void close() {
        mapping.close();
    }
}
