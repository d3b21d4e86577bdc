package org.userload.protocol;

import io.netty.buffer.ByteBuf;
import org.userload.memory.RegionTable;

/**
 * The body of a {@link FrameType#DISCARD} or {@link FrameType#PREFER} frame: runs of pages of the header's region, each a u64 first page and a u32
 * count of pages. The header's {@code count} is the number of runs.
 */
public final class PageRuns {
    /** Most runs in one frame. */
    public static final int MAX_RUNS = 4096;

    /** Most pages of a run of a PREFER frame: 16 MiB of 4 KiB pages, so that looking at one takes no time. */
    public static final int MAX_PREFERRED_PAGES = 4096;

    private static final int RUN_BYTES = Long.BYTES + Integer.BYTES;

    private PageRuns() {}

    /** Takes one run. */
    @FunctionalInterface
    public interface Sink {
        /** @param count pages, at least 1 */
        void run(int region, long firstPage, int count);
    }

    /** Bytes of a body. */
    public static int bodyBytes(int runs) {
        return runs * RUN_BYTES;
    }

    /** Appends a run. */
    public static void write(ByteBuf out, long firstPage, int count) {
        out.writeLong(firstPage).writeInt(count);
    }

    /** Checks every run of a DISCARD frame's body, then hands them on in order. */
    public static void read(FrameHeader header, ByteBuf body, RegionTable table, Sink sink) {
        read(header, body, table, Integer.MAX_VALUE, sink);
    }

    /** As {@link #read}, of a PREFER frame. */
    public static void readPreferred(FrameHeader header, ByteBuf body, RegionTable table, Sink sink) {
        read(header, body, table, MAX_PREFERRED_PAGES, sink);
    }

    private static void read(FrameHeader header, ByteBuf body, RegionTable table, int mostPages, Sink sink) {
        int region = header.region();
        int runs = header.count();
        if (region >= table.entries().size()) {
            throw new ProtocolException(header.type() + " frame for region " + region + ", but there are "
                    + table.entries().size());
        }
        if (runs < 1 || runs > MAX_RUNS || body.readableBytes() != bodyBytes(runs)) {
            throw new ProtocolException(
                    header.type() + " frame of " + runs + " runs with " + body.readableBytes() + " bytes");
        }
        long pages = table.entries().get(region).pageCount();
        for (int i = 0; i < runs; i++) {
            int at = body.readerIndex() + bodyBytes(i);
            long first = body.getLong(at);
            long count = body.getUnsignedInt(at + Long.BYTES);
            if (first < 0 || count < 1 || count > mostPages || first > pages - count) {
                throw new ProtocolException(header.type() + " frame for " + count + " pages from page " + first
                        + " of region " + region + ", which has " + pages + " pages; at most " + mostPages
                        + " in a run");
            }
        }
        for (int i = 0; i < runs; i++) {
            sink.run(region, body.readLong(), body.readInt());
        }
    }
}
