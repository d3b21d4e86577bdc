package org.userload.protocol;

import io.netty.buffer.ByteBuf;
import org.userload.memory.RegionTable;

/**
 * The header of the frame that is being read. One instance is used again for every frame of a connection, by that
 * connection's event loop only.
 */
public final class FrameHeader {
    private FrameType type = FrameType.HELLO;
    private int region;
    private int bodyLength;
    private long firstPage;
    private int count;
    private int id;

    /** Takes the header at the buffer's reader index and moves that index past it. */
    public void decode(ByteBuf in) {
        int at = in.readerIndex();
        type = FrameType.ofCode(in.getUnsignedByte(at + FrameLayout.TYPE_OFFSET));
        if (in.getByte(at + FrameLayout.FLAGS_OFFSET) != 0) {
            throw new ProtocolException(type + " frame with flags that this version does not know");
        }
        region = in.getUnsignedShort(at + FrameLayout.REGION_OFFSET);
        long length = in.getUnsignedInt(at + FrameLayout.BODY_LENGTH_OFFSET);
        firstPage = in.getLong(at + FrameLayout.FIRST_PAGE_OFFSET);
        long pages = in.getUnsignedInt(at + FrameLayout.COUNT_OFFSET);
        id = in.getInt(at + FrameLayout.ID_OFFSET);
        long most = type.hasBody() ? FrameLayout.MAX_CONTROL_BODY_BYTES : 0;
        if (type != FrameType.PAGES && length > most) {
            throw new ProtocolException(type + " frame with a body of " + length + " bytes");
        }
        if (length > Integer.MAX_VALUE || pages > FrameLayout.MAX_ZERO_RUN_PAGES) {
            throw new ProtocolException(type + " frame of " + pages + " pages, " + length + " bytes");
        }
        bodyLength = (int) length;
        count = (int) pages;
        in.skipBytes(FrameLayout.HEADER_BYTES);
    }

    /** Checks that the pages named by this header lie in a region, and that there are 1 to {@code most} of them. */
    public void checkPages(RegionTable table, int most) {
        if (region >= table.entries().size()) {
            throw new ProtocolException(type + " frame for region " + region + ", but there are "
                    + table.entries().size());
        }
        long pages = table.entries().get(region).pageCount();
        if (count < 1 || count > most || firstPage < 0 || firstPage > pages - count) {
            throw new ProtocolException(type + " frame for " + count + " pages from page " + firstPage + " of region "
                    + region + ", which has " + pages + " pages; at most " + most + " at once");
        }
    }

    /** Checks a {@link FrameType#PAGES} frame: known pages, and a body of exactly their size. */
    public void checkContent(RegionTable table) {
        checkPages(table, FrameLayout.MAX_PAGES_PER_FRAME);
        long expected = (long) count << table.pageSize().shift();
        if (bodyLength != expected) {
            throw new ProtocolException(
                    type + " frame of " + count + " pages with " + bodyLength + " bytes, expected " + expected);
        }
    }

    /** Checks a {@link FrameType#FREE} frame: 1 to {@code most} known pages, and a pattern. */
    public void checkFree(RegionTable table, int most) {
        checkPages(table, most);
        if (bodyLength != Long.BYTES) {
            throw new ProtocolException(
                    type + " frame with a body of " + bodyLength + " bytes, expected " + Long.BYTES);
        }
    }

    /** Checks a {@link FrameType#PACKED} frame: 1 to {@code most} known pages, and a body that is smaller than they are. */
    public void checkPacked(RegionTable table, int most) {
        checkPages(table, most);
        checkSmaller(table, Byte.BYTES + 1);
    }

    /** Checks a {@link FrameType#DELTA} frame: known pages, and a body that is smaller than they are. */
    public void checkDelta(RegionTable table) {
        checkPages(table, FrameLayout.MAX_PAGES_PER_FRAME);
        checkSmaller(table, count);
    }

    private void checkSmaller(RegionTable table, int least) {
        long plain = (long) count << table.pageSize().shift();
        if (bodyLength < least || bodyLength >= plain) {
            throw new ProtocolException(type + " frame of " + count + " pages from page " + firstPage + " of region "
                    + region + " with " + bodyLength + " bytes; expected " + least + " to " + (plain - 1));
        }
    }

    public FrameType type() {
        return type;
    }

    public int region() {
        return region;
    }

    /** Bytes that follow the header. */
    public int bodyLength() {
        return bodyLength;
    }

    public long firstPage() {
        return firstPage;
    }

    public int count() {
        return count;
    }

    public int id() {
        return id;
    }
}
