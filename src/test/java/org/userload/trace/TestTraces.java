package org.userload.trace;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Traces made for tests, as plain lists of accesses. */
final class TestTraces {
    /** One access in the simplest form. */
    record Entry(Operation operation, long address, int sizeBytes) {}

    private static final String LACKEY_LETTERS = "LSMI";

    private TestTraces() {}

    /** A seed to print: from -Duserload.test.seed, else from the clock. */
    static long seed(String test) {
        long seed = Long.getLong("userload.test.seed", System.nanoTime());
        System.out.println(test + ": seed " + seed + " (repeat with -Duserload.test.seed=" + seed + ")");
        return seed;
    }

    /** Accesses near a few random places of the whole address space, of all operations and mostly common sizes. */
    static List<Entry> random(Random random, int count) {
        long[] places = new long[8];
        for (int i = 0; i < places.length; i++) {
            places[i] = random.nextLong();
        }
        places[0] = 0;
        places[1] = -20_000;
        List<Entry> entries = new ArrayList<>();
        while (entries.size() < count) {
            int sizeBytes = random.nextInt(10) < 8 ? 1 << random.nextInt(6) : 1 + random.nextInt(Access.MAX_SIZE_BYTES);
            long address = places[random.nextInt(places.length)] + random.nextInt(20_000);
            if (Access.fits(address, sizeBytes)) {
                entries.add(new Entry(Operation.ofCode(random.nextInt(4)), address, sizeBytes));
            }
        }
        entries.add(new Entry(Operation.READ, 0, 4096));
        entries.add(new Entry(Operation.READ, 4096, 4096));
        entries.add(new Entry(Operation.WRITE, -1, 1));
        entries.add(new Entry(Operation.MODIFY, -4096, 4096));
        return entries;
    }

    static byte[] lackey(List<Entry> entries) {
        StringBuilder text = new StringBuilder("==1== Lackey, an example Valgrind tool\n==1== \n");
        for (Entry entry : entries) {
            char letter = LACKEY_LETTERS.charAt(entry.operation().code());
            text.append(letter == 'I' ? "I  " : " " + letter + " ")
                    .append(String.format("%08x,%d%n", entry.address(), entry.sizeBytes()));
        }
        return bytes(text + "==1== \n==1== Exit code:       0\n");
    }

    static byte[] written(TraceFormat format, List<Entry> entries) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TraceWriter writer = TraceFiles.writer(out, format)) {
            for (Entry entry : entries) {
                writer.write(entry.operation(), entry.address(), entry.sizeBytes());
            }
            writer.finish();
        }
        return out.toByteArray();
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static TraceReader open(byte[] content, TraceFormat format) throws IOException {
        return TraceFiles.open("input", new ByteArrayInputStream(content), format);
    }

    static List<Entry> read(byte[] content, TraceFormat format) throws IOException {
        try (TraceReader reader = open(content, format)) {
            return read(reader);
        }
    }

    static List<Entry> read(TraceReader reader) throws IOException {
        List<Entry> entries = new ArrayList<>();
        while (reader.next()) {
            entries.add(new Entry(reader.operation(), reader.address(), reader.sizeBytes()));
        }
        return entries;
    }

    static Trace load(List<Entry> entries) throws IOException {
        try (TraceReader reader = open(written(TraceFormat.ULT, entries), TraceFormat.ULT)) {
            return TraceLoader.load("test trace", reader);
        }
    }
}
