package org.userload.source;

import static org.userload.source.UliFormat.*;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * Reads single blocks of a {@code .uli} image, decompresses and verifies them. Thread-safe: each call takes a workbench
 * (a zstd context and two buffers outside the heap) from a pool and gives it back, so there are as many as threads were
 * ever here at once.
 *
 * <p>Bytes go through buffers outside the heap, because decompressing straight into an array would keep the garbage
 * collector out for that long.
 */
final class UliBlockReader implements AutoCloseable {
    private final ImageFile file;
    private final UliHeader header;
    private final UliIndex index;
    private final RegionLayout layout;
    private final ConcurrentLinkedQueue<Workbench> idle = new ConcurrentLinkedQueue<>();
    private volatile boolean closed;

    UliBlockReader(ImageFile file, UliHeader header, UliIndex index, RegionLayout layout) {
        this.file = file;
        this.header = header;
        this.index = index;
        this.layout = layout;
    }

    /**
     * Reads a block that is not absent.
     *
     * @return its plain bytes, a new array that is the caller's
     * @throws CorruptBlockException if the block is not what its index entry says
     * @throws UncheckedIOException if the file cannot be read
     */
    byte[] read(int block) {
        Workbench taken = idle.poll();
        Workbench bench = taken != null ? taken : new Workbench();
        try {
            return read(block, bench);
        } finally {
            idle.add(bench);
            if (closed) {
                closeIdle();
            }
        }
    }

    private byte[] read(int block, Workbench bench) {
        int compressedBytes = index.compressedBytes(block);
        try {
            file.read(bench.compressed.clear().limit(compressedBytes), index.offset(block));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        int expected = blockBytes(header.imageBytes(), block);
        int actual;
        try {
            actual = bench.zstd.decompressDirectByteBuffer(
                    bench.plain, 0, expected, bench.compressed, 0, compressedBytes);
        } catch (ZstdException e) {
            throw corrupt(block, "it does not decompress: " + e.getMessage(), e);
        }
        if (actual != expected) {
            throw corrupt(block, "it has " + actual + " bytes instead of " + expected, null);
        }
        if (Checksums.crc(bench.plain, 0, expected) != index.crc(block)) {
            throw corrupt(block, "its checksum does not match", null);
        }
        int pageBytes = header.regions().pageSize().bytes();
        if (ZeroBytes.zeroPages(bench.plain, expected, pageBytes) != index.zeroPages(block)) {
            throw corrupt(block, "its zero pages are not those of the index", null);
        }
        byte[] bytes = new byte[expected];
        bench.plain.get(0, bytes);
        return bytes;
    }

    private CorruptBlockException corrupt(int block, String what, @Nullable Throwable cause) {
        int pageShift = header.regions().pageSize().shift();
        long firstPage = (long) block << (BLOCK_SHIFT - pageShift);
        int pages = blockBytes(header.imageBytes(), block) >>> pageShift;
        return new CorruptBlockException(file.description(), block, layout.name(firstPage, pages), what, cause);
    }

    /** Frees the idle workbenches; one in use is freed by its user. Idempotent. Does not close the file. */
    @Override
    public void close() {
        closed = true;
        closeIdle();
    }

    private void closeIdle() {
        for (Workbench bench = idle.poll(); bench != null; bench = idle.poll()) {
            bench.zstd.close();
        }
    }

    /** What one decompression needs. Used by one thread at a time. */
    private static final class Workbench {
        final ZstdDecompressCtx zstd = new ZstdDecompressCtx();
        final ByteBuffer compressed = ByteBuffer.allocateDirect(MAX_COMPRESSED_BYTES);
        final ByteBuffer plain = ByteBuffer.allocateDirect(BLOCK_BYTES);
    }
}
