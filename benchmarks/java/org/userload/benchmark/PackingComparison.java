package org.userload.benchmark;

import com.github.luben.zstd.ZstdCompressCtx;
import java.nio.ByteBuffer;
import java.util.function.IntUnaryOperator;
import org.userload.pack.Compression;
import org.userload.pack.PageDelta;
import org.userload.pack.PagePacker;
import org.userload.pack.PageUnpacker;

/**
 * What compression and deltas of pages cost and save, in one run: nanoseconds for each page to pack and unpack, and bytes
 * left of 4096.
 */
public final class PackingComparison {
    private static final int PAGE = MemoryContents.PAGE_BYTES;
    private static final int PAGES = 1024;
    private static final int ROUNDS = 7;

    private PackingComparison() {}

    public static void main(String[] arguments) throws Exception {
        MemoryContents.Written written = MemoryContents.written(4 * PAGES, 100);
        System.out.printf("%d written pages%n%n", written.pages());
        System.out.println("| content | pages at once | codec | bytes of a page | pack ns | unpack ns |");
        System.out.println("|---|---|---|---|---|---|");
        pack("text", MemoryContents.text(PAGES), PAGES);
        pack("sparse", MemoryContents.sparse(PAGES), PAGES);
        pack("heap of a JVM", written.after(), written.pages());
        pack("random", MemoryContents.random(PAGES), PAGES);
        System.out.println();
        System.out.println("| written pages | bytes of a page | encode ns |");
        System.out.println("|---|---|---|");
        deltas(written);
    }

    private static void pack(String name, ByteBuffer content, int pages) {
        for (int atOnce : new int[] {1, 4, 16}) {
            for (Compression codec : new Compression[] {Compression.ZSTD, Compression.LZ4}) {
                pack(name, content, pages - pages % atOnce, atOnce * PAGE, codec);
            }
        }
    }

    private static void pack(String name, ByteBuffer content, int pages, int run, Compression codec) {
        try (PagePacker packer = codec.newPacker();
                PageUnpacker unpacker = codec.newUnpacker()) {
            ByteBuffer packed = ByteBuffer.allocateDirect(packer.bound(run));
            ByteBuffer plain = ByteBuffer.allocateDirect(run);
            long bytes = 0;
            double[] packNanos = new double[ROUNDS];
            double[] unpackNanos = new double[ROUNDS];
            for (int round = -3; round < ROUNDS; round++) {
                bytes = 0;
                long packing = 0;
                long unpacking = 0;
                for (int at = 0; at < pages * PAGE; at += run) {
                    long start = System.nanoTime();
                    int length = packer.pack(content, at, run, packed, 0);
                    long middle = System.nanoTime();
                    unpacker.unpack(packed, 0, length, plain, 0, run);
                    packing += middle - start;
                    unpacking += System.nanoTime() - middle;
                    bytes += length;
                }
                if (round >= 0) {
                    packNanos[round] = (double) packing / pages;
                    unpackNanos[round] = (double) unpacking / pages;
                }
            }
            System.out.printf(
                    "| %s | %d | %s | %d | %s | %s |%n",
                    name,
                    run / PAGE,
                    codec,
                    bytes / pages,
                    Spread.of(packNanos).text(0),
                    Spread.of(unpackNanos).text(0));
        }
    }

    private static void deltas(MemoryContents.Written written) {
        ByteBuffer out = ByteBuffer.allocateDirect(2 * PAGE);
        row("runs of changed bytes", written, at -> {
            int bytes = PageDelta.encode(written.before(), at, written.after(), at, PAGE, out, 0, PAGE - 1);
            return bytes < 0 ? PAGE : bytes;
        });
        try (ZstdCompressCtx zstd = new ZstdCompressCtx().setLevel(1)) {
            byte[] old = new byte[PAGE];
            row("zstd, old page as dictionary", written, at -> {
                written.before().get(at, old);
                zstd.loadDict(old);
                return zstd.compressDirectByteBuffer(out, 0, 2 * PAGE, written.after(), at, PAGE);
            });
        }
        for (Compression codec : new Compression[] {Compression.ZSTD, Compression.LZ4}) {
            try (PagePacker packer = codec.newPacker()) {
                row(codec + " alone", written, at -> packer.pack(written.after(), at, PAGE, out, 0));
            }
        }
    }

    private static void row(String name, MemoryContents.Written written, IntUnaryOperator encode) {
        double[] nanos = new double[ROUNDS];
        long bytes = 0;
        for (int round = -3; round < ROUNDS; round++) {
            bytes = 0;
            long start = System.nanoTime();
            for (int page = 0; page < written.pages(); page++) {
                bytes += encode.applyAsInt(page * PAGE);
            }
            if (round >= 0) {
                nanos[round] = (double) (System.nanoTime() - start) / written.pages();
            }
        }
        System.out.printf(
                "| %s | %d | %s |%n",
                name, bytes / Math.max(written.pages(), 1), Spread.of(nanos).text(0));
    }
}
