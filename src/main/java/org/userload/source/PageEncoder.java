package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.userload.pack.Compression;
import org.userload.pack.PageDelta;
import org.userload.pack.PagePacker;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;

/**
 * Writes pages as frames in the form that is smallest: as what has changed since they were sent, compressed, or as they
 * are.
 *
 * <p>Consecutive pages are compressed together and go as they are when that does not save an eighth: unpacking takes
 * longer than receiving so few bytes. A single page that is asked for is never compressed: packing and unpacking it takes
 * some 17 us with LZ4 and 27 with zstd, as long as the bytes saved take on a link of 1 Gbit/s, and a fault waits for all
 * of it. (The source cannot tell a slow link from a busy processor, so it does not go by the rate that it sees.) Figures
 * are in {@code docs/performance.md}.
 *
 * <p>One connection's loop only; its owner closes it.
 */
final class PageEncoder implements AutoCloseable {
    /** Fewer pages in an answer to a request than this are not compressed. */
    private static final int LEAST_PACKED_ANSWER = 4;

    /** Fewer pages are copied, which costs less than to send them from where they are. */
    private static final int LEAST_IN_PLACE = 4;

    /** The least part of a run that compression must save, as a shift. */
    private static final int LEAST_SAVED_SHIFT = 3;

    /** A delta of up to a page, shifted by this, is taken without looking whether compression would do better. */
    private static final int SMALL_DELTA_SHIFT = 3;

    private final PageReplies replies;
    private final EncodingCounters counters;
    private final Compression compression;
    private final int leastPacked;
    private final int pageShift;
    private final @Nullable PagePacker packer;
    private final ByteBuffer scratch;

    /** Whether pages may be given up while a frame that was to carry them is still in the queue. */
    private final boolean givesUp;

    /** What to do for each region when pages were sent from where they are, or never will be. */
    private final List<ChannelFutureListener> unpin;

    private @Nullable DeltaCache deltas;

    private PageEncoder(SourceSession session, PageEncoding encoding, int leastPacked, @Nullable DeltaCache deltas) {
        this.replies = new PageReplies(session.source());
        this.counters = session.encodingCounters();
        this.compression = encoding.compression();
        this.leastPacked = leastPacked;
        this.pageShift = session.source().regions().pageSize().shift();
        this.packer = compression == Compression.NONE ? null : compression.newPacker();
        this.deltas = deltas;
        int pageBytes = 1 << pageShift;
        int room = packer == null ? pageBytes : Math.max(packer.bound(pageBytes), pageBytes);
        this.givesUp = session.sourceRelease() != null;
        PageSource source = session.source();
        this.unpin = IntStream.range(0, session.regionCount())
                .mapToObj(region -> (ChannelFutureListener) sent -> source.unpin(region))
                .toList();
        this.scratch = ByteBuffer.allocateDirect(deltas == null ? 0 : room + pageBytes);
    }

    /** For answers to requests. */
    static PageEncoder ofAnswers(SourceSession session, PageEncoding encoding) {
        return new PageEncoder(session, encoding, LEAST_PACKED_ANSWER, null);
    }

    /** For the stream. */
    static PageEncoder ofStream(SourceSession session, PageEncoding encoding) {
        long cacheBytes = encoding.deltaCacheBytes();
        DeltaCache cache =
                cacheBytes == 0 ? null : new DeltaCache(session.source().regions(), cacheBytes);
        return new PageEncoder(session, encoding, 1, cache);
    }

    /** A pass begins. After the rounds pages are not kept any more, since the guest writes to them at the destination. */
    void begin(StreamPass pass) {
        if (pass.isLast()) {
            endDeltas();
        } else if (deltas != null) {
            deltas.beginRound();
        }
    }

    /** From now on no delta is sent: the destination is about to lose pages, or the guest to run there. */
    void endDeltas() {
        if (deltas != null) {
            deltas.close();
            deltas = null;
        }
    }

    /** Writes a frame, without a flush, with pages that {@link PageSource#describe} called zero; gives its bytes. */
    int writeZero(ChannelHandlerContext to, int region, long firstPage, int count, int id) {
        if (deltas != null) {
            deltas.forget(region, firstPage, count);
        }
        to.write(replies.zero(to.alloc(), region, firstPage, count, id), to.voidPromise());
        return FrameLayout.HEADER_BYTES;
    }

    /** Writes a frame, without a flush, with pages that the destination has and that are not here any more; gives its bytes. */
    int writeInstalled(ChannelHandlerContext to, int region, long firstPage, int count, int id) {
        to.write(replies.installed(to.alloc(), region, firstPage, count, id), to.voidPromise());
        return FrameLayout.HEADER_BYTES;
    }

    /** Writes a frame, without a flush, with pages that are free; gives its bytes. */
    int writeFree(ChannelHandlerContext to, int region, long firstPage, int count, int id, long pattern) {
        if (deltas != null) {
            deltas.forget(region, firstPage, count);
        }
        to.write(replies.free(to.alloc(), region, firstPage, count, id, pattern), to.voidPromise());
        return FrameLayout.HEADER_BYTES + Long.BYTES;
    }

    /** Writes frames, without a flush, with pages that {@link PageSource#describe} called data; gives their bytes. */
    int write(ChannelHandlerContext to, int region, long firstPage, int count, int id) {
        if (count >= LEAST_IN_PLACE && deltas == null && packer == null && !givesUp) {
            ByteBuf frame = replies.contentInPlace(to.alloc(), region, firstPage, count, id);
            if (frame != null) {
                return writeInPlace(to, frame, region, count);
            }
        }
        ByteBuf raw = replies.content(to.alloc(), region, firstPage, count, id);
        DeltaCache cache = deltas;
        return cache == null
                ? writeRun(to, raw, region, firstPage, 0, count, id)
                : writeChanges(to, raw, cache, region, firstPage, count);
    }

    private int writeInPlace(ChannelHandlerContext to, ByteBuf frame, int region, int count) {
        int bytes = frame.readableBytes();
        counters.raw(count, count << pageShift);
        to.write(frame).addListener(unpin.get(region));
        return bytes;
    }

    /**
     * Writes a run of pages as far as possible as deltas, and keeps their content.
     *
     * @param raw a PAGES frame of all of them, which is released
     */
    private int writeChanges(
            ChannelHandlerContext to, ByteBuf raw, DeltaCache cache, int region, long firstPage, int count) {
        ByteBuf frame = null;
        int written = 0;
        int bytes = 0;
        try {
            for (int i = 0; i < count; i++) {
                // Anew for each page: the frame has one such view, and writing a run moves its limit.
                ByteBuffer content = raw.internalNioBuffer(FrameLayout.HEADER_BYTES + (i << pageShift), 1 << pageShift);
                int at = content.position();
                int length = deltaOf(cache, region, firstPage + i, content, at);
                cache.store(region, firstPage + i, content, at);
                if (length < 0) {
                    if (frame != null) {
                        bytes += writeDeltas(to, frame, region, firstPage + written, i - written);
                        frame = null;
                        written = i;
                    }
                    continue;
                }
                if (frame == null) {
                    if (i > written) {
                        bytes += writeRun(to, raw.retain(), region, firstPage, written, i - written, 0);
                        written = i;
                    }
                    frame = to.alloc().directBuffer();
                    frame.writeZero(FrameLayout.HEADER_BYTES);
                }
                append(frame, length);
            }
            if (frame != null) {
                bytes += writeDeltas(to, frame, region, firstPage + written, count - written);
                frame = null;
            } else {
                bytes += writeRun(to, raw.retain(), region, firstPage, written, count - written, 0);
            }
            return bytes;
        } finally {
            if (frame != null) {
                frame.release();
            }
            raw.release();
        }
    }

    /** The delta of a page, as it is on the wire, at the begin of the scratch buffer; its bytes, or -1 for none. */
    private int deltaOf(DeltaCache cache, int region, long page, ByteBuffer content, int at) {
        if (!cache.isLaterRound()) {
            return -1;
        }
        int pageBytes = 1 << pageShift;
        int slot = cache.find(region, page);
        int length = slot < 0
                ? -1
                : PageDelta.encode(
                        cache.bufferOf(slot), cache.offsetOf(slot), content, at, pageBytes, scratch, 0, pageBytes / 2);
        if (length < 0 || (length > pageBytes >> SMALL_DELTA_SHIFT && packsBetter(content, at, length))) {
            counters.deltaMiss();
            return -1;
        }
        return length;
    }

    private boolean packsBetter(ByteBuffer content, int at, int deltaBytes) {
        int pageBytes = 1 << pageShift;
        return packer != null && packer.pack(content, at, pageBytes, scratch, pageBytes) <= deltaBytes;
    }

    private void append(ByteBuf frame, int length) {
        int prefix = PageDelta.varintBytes(length);
        int at = frame.writerIndex();
        frame.ensureWritable(prefix + length);
        ByteBuffer out = frame.internalNioBuffer(at, prefix + length);
        int to = PageDelta.putVarint(out, out.position(), length);
        out.put(to, scratch, 0, length);
        frame.writerIndex(at + prefix + length);
    }

    private int writeDeltas(ChannelHandlerContext to, ByteBuf frame, int region, long firstPage, int count) {
        int end = frame.writerIndex();
        int body = end - FrameLayout.HEADER_BYTES;
        frame.writerIndex(0);
        Frames.writeHeader(frame, FrameType.DELTA, region, body, firstPage, count, 0);
        frame.writerIndex(end);
        counters.delta(count, (count << pageShift) - body);
        to.write(frame, to.voidPromise());
        return end;
    }

    /**
     * Writes some pages of a run, compressed or as they are.
     *
     * @param raw a PAGES frame of the whole run; written or released
     * @param skipped pages of the run before those to write
     */
    private int writeRun(
            ChannelHandlerContext to, ByteBuf raw, int region, long firstOfRun, int skipped, int count, int id) {
        int at = FrameLayout.HEADER_BYTES + (skipped << pageShift);
        int bytes = count << pageShift;
        long first = firstOfRun + skipped;
        ByteBuf packed = count < leastPacked ? null : pack(to, raw, at, region, first, count, id);
        if (packed != null) {
            raw.release();
            int sent = packed.readableBytes();
            to.write(packed, to.voidPromise());
            return sent;
        }
        counters.raw(count, bytes);
        if (raw.readableBytes() == FrameLayout.HEADER_BYTES + bytes) {
            to.write(raw, to.voidPromise());
            return FrameLayout.HEADER_BYTES + bytes;
        }
        ByteBuf part = to.alloc().directBuffer(FrameLayout.HEADER_BYTES + bytes);
        Frames.writeHeader(part, FrameType.PAGES, region, bytes, first, count, id);
        part.writeBytes(raw, at, bytes);
        raw.release();
        to.write(part, to.voidPromise());
        return FrameLayout.HEADER_BYTES + bytes;
    }

    /** A PACKED frame, or null when it does not save enough. */
    private @Nullable ByteBuf pack(
            ChannelHandlerContext to, ByteBuf raw, int at, int region, long first, int count, int id) {
        PagePacker mine = packer;
        if (mine == null) {
            return null;
        }
        int bytes = count << pageShift;
        int room = Byte.BYTES + mine.bound(bytes);
        ByteBuf frame = to.alloc().directBuffer(FrameLayout.HEADER_BYTES + room);
        ByteBuffer plain = raw.internalNioBuffer(at, bytes);
        ByteBuffer out = frame.internalNioBuffer(FrameLayout.HEADER_BYTES, room);
        int body = Byte.BYTES + mine.pack(plain, plain.position(), bytes, out, out.position() + Byte.BYTES);
        if (body > Math.min(bytes - (bytes >> LEAST_SAVED_SHIFT), FrameLayout.MAX_CONTROL_BODY_BYTES)) {
            frame.release();
            return null;
        }
        Frames.writeHeader(frame, FrameType.PACKED, region, body, first, count, id);
        frame.writeByte(compression.code());
        frame.writerIndex(FrameLayout.HEADER_BYTES + body);
        counters.packed(count, bytes, body);
        return frame;
    }

    @Override
    public void close() {
        endDeltas();
        replies.close();
        if (packer != null) {
            packer.close();
        }
    }
}
