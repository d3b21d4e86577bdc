package org.userload.benchmark;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.userload.memory.PageSize;
import org.userload.source.ExtentScanner;
import org.userload.source.OpenOptions;
import org.userload.source.PageRun;
import org.userload.source.PageSource;
import org.userload.source.PageSources;
import org.userload.source.UliWriter;

/**
 * What it costs to describe and read pages of an image whose file is in the page cache. The image is half noise, half
 * bytes that compress, without zero pages.
 *
 * <p>{@code request}: one page at random. {@code stream}: the next 2 MiB, run by run; the counter gives MiB read.
 * {@code uli-cached} finds every block in the cache, {@code uli-uncached} none.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class PageSourceBenchmark {
    private static final int PAGES = 32 << 10;
    private static final int STREAM_PAGES = 512;

    @Param({"raw", "uli-cached", "uli-uncached"})
    private String source = "raw";

    private final ByteBuffer dst = ByteBuffer.allocateDirect(STREAM_PAGES * 4096);
    private final SplittableRandom random = new SplittableRandom(1);
    private Image image = Image.NONE;
    private long next;

    /** The image under test: where it is and the source that reads it. */
    private record Image(Path directory, @Nullable PageSource source) {
        static final Image NONE = new Image(Path.of(""), null);
    }

    /** Volume read. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Volume {
        /** MiB read in this iteration. */
        public double mebibytes;
    }

    @Setup(Level.Trial)
    public void open() throws IOException {
        Path directory = Files.createTempDirectory("page-source");
        Path raw = directory.resolve("image.raw");
        byte[] page = new byte[4096];
        try (FileChannel file = FileChannel.open(raw, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int i = 0; i < PAGES; i++) {
                random.nextBytes(page);
                for (int j = 2048; j < 4096; j++) {
                    page[j] = (byte) (j / 50);
                }
                file.write(ByteBuffer.wrap(page));
            }
        }
        Path path = raw;
        if (!source.equals("raw")) {
            path = directory.resolve("image.uli");
            try (PageSource rawSource = PageSources.open(raw)) {
                new UliWriter().write(path, rawSource);
            }
        }
        long cacheBytes = source.equals("uli-cached") ? 1L << 30 : 0;
        PageSource opened = PageSources.open(path, new OpenOptions(PageSize.DEFAULT, cacheBytes, ExtentScanner.NONE));
        image = new Image(directory, opened);
        for (int i = 0; i < PAGES; i += STREAM_PAGES) {
            read(opened, i, STREAM_PAGES);
        }
    }

    @Benchmark
    public int request(Volume volume) {
        volume.mebibytes += 4.0 / 1024;
        return read(opened(), random.nextInt(PAGES), 1);
    }

    @Benchmark
    public int stream(Volume volume) {
        long first = next;
        next = (next + STREAM_PAGES) % PAGES;
        volume.mebibytes += STREAM_PAGES * 4.0 / 1024;
        return read(opened(), first, STREAM_PAGES);
    }

    private PageSource opened() {
        return Objects.requireNonNull(image.source);
    }

    private int read(PageSource pages, long first, int count) {
        dst.clear();
        for (int done = 0; done < count; ) {
            PageRun run = pages.describe(0, first + done, count - done);
            pages.read(0, first + done, run.pageCount(), dst);
            done += run.pageCount();
        }
        return dst.position();
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        opened().close();
        Files.deleteIfExists(image.directory.resolve("image.raw"));
        Files.deleteIfExists(image.directory.resolve("image.uli"));
        Files.delete(image.directory);
    }
}
