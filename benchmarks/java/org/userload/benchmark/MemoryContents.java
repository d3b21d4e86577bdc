package org.userload.benchmark;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;

/** Pages of several kinds to compress: made up, and those of this process while it works. */
final class MemoryContents {
    static final int PAGE_BYTES = 4096;
    private static final String[] WORDS =
            ("the page of a guest that was sent before it is written again and then the source"
                            + " sends what has changed since while int return public static final void null new if else for")
                    .split(" ", -1);

    private MemoryContents() {}

    /** Words as in prose and code. */
    static ByteBuffer text(int pages) {
        Random random = new Random(1);
        ByteBuffer buffer = ByteBuffer.allocateDirect(pages * PAGE_BYTES);
        while (buffer.hasRemaining()) {
            String word = random.nextInt(4) == 0
                    ? Integer.toString(random.nextInt(100_000))
                    : WORDS[random.nextInt(WORDS.length)];
            byte[] bytes = (word + " ").getBytes(StandardCharsets.US_ASCII);
            buffer.put(bytes, 0, Math.min(bytes.length, buffer.remaining()));
        }
        return buffer.clear();
    }

    /** One word in eight is a small number, the rest are zero. */
    static ByteBuffer sparse(int pages) {
        Random random = new Random(2);
        ByteBuffer buffer = ByteBuffer.allocateDirect(pages * PAGE_BYTES);
        for (int at = 0; at < buffer.capacity(); at += Long.BYTES) {
            if (random.nextInt(8) == 0) {
                buffer.putLong(at, random.nextInt(100_000));
            }
        }
        return buffer;
    }

    /** Nothing to gain. */
    static ByteBuffer random(int pages) {
        byte[] bytes = new byte[pages * PAGE_BYTES];
        new Random(3).nextBytes(bytes);
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).clear();
    }

    /** The same pages at two moments; those that differ are what a migration sends again. */
    record Written(ByteBuffer before, ByteBuffer after, int pages) {}

    /**
     * Pages of this process that a thread at work has written to within some time: its heap, as the collector leaves it.
     *
     * @param most pages to look for
     */
    static Written written(int most, int millis) throws IOException, InterruptedException {
        Thread worker = new Thread(MemoryContents::work, "worker");
        worker.setDaemon(true);
        worker.start();
        Thread.sleep(2_000);
        List<long[]> ranges = heap();
        ByteBuffer first = read(ranges);
        Thread.sleep(millis);
        ByteBuffer second = read(ranges);
        worker.interrupt();
        return changed(first, second, most);
    }

    private static Written changed(ByteBuffer first, ByteBuffer second, int most) {
        ByteBuffer before = ByteBuffer.allocateDirect(most * PAGE_BYTES);
        ByteBuffer after = ByteBuffer.allocateDirect(most * PAGE_BYTES);
        int pages = 0;
        for (int at = 0; at < first.capacity() && pages < most; at += PAGE_BYTES) {
            ByteBuffer old = first.slice(at, PAGE_BYTES);
            ByteBuffer now = second.slice(at, PAGE_BYTES);
            if (!old.equals(now)) {
                before.put(pages * PAGE_BYTES, old, 0, PAGE_BYTES);
                after.put(pages * PAGE_BYTES, now, 0, PAGE_BYTES);
                pages++;
            }
        }
        return new Written(before, after, pages);
    }

    /** A cache of records that are looked up, changed, replaced, and now and then sorted. */
    private static void work() {
        LinkedHashMap<Integer, StringBuilder> records = new LinkedHashMap<>();
        ThreadLocalRandom random = ThreadLocalRandom.current();
        long count = 0;
        while (!Thread.currentThread().isInterrupted()) {
            StringBuilder entry = records.computeIfAbsent(
                    random.nextInt(100_000), key -> new StringBuilder("record " + key + " visits "));
            if (entry.length() < 200) {
                entry.append(count++ % 10);
            } else {
                records.remove(random.nextInt(100_000));
            }
            if (count % 50_000 == 0) {
                List<String> sorted = new ArrayList<>(
                        records.values().stream().map(String::valueOf).toList());
                Collections.sort(sorted);
            }
        }
    }

    /** Writable private mappings without a file, up to 512 MiB of them. */
    private static List<long[]> heap() throws IOException {
        List<long[]> ranges = new ArrayList<>();
        long total = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            String[] fields = line.split("\\s+", -1);
            if (!fields[1].equals("rw-p") || (fields.length > 5 && !fields[5].isEmpty())) {
                continue;
            }
            String[] ends = fields[0].split("-", 2);
            long start = Long.parseUnsignedLong(ends[0], 16);
            long bytes = Long.parseUnsignedLong(ends[1], 16) - start;
            if (start < 0x7f0000000000L && total + bytes <= 512 << 20) {
                ranges.add(new long[] {start, bytes});
                total += bytes;
            }
        }
        return ranges;
    }

    private static ByteBuffer read(List<long[]> ranges) throws IOException {
        long total = ranges.stream().mapToLong(range -> range[1]).sum();
        ByteBuffer all = ByteBuffer.allocateDirect((int) total);
        try (RandomAccessFile memory = new RandomAccessFile("/proc/self/mem", "r")) {
            for (long[] range : ranges) {
                int end = all.position() + (int) range[1];
                all.limit(end);
                for (long at = range[0]; all.hasRemaining(); ) {
                    at += Math.max(memory.getChannel().read(all, at), 0);
                }
            }
        }
        return all.clear();
    }
}
