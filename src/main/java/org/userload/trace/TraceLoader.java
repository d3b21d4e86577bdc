package org.userload.trace;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Loads a trace into memory: packs each access while it is read, with its page numbered in the order of discovery,
 * and renumbers the pages by address when all are known. Used by one thread.
 */
public final class TraceLoader {
    private final TraceReader reader;
    private final String name;
    private final PageNumbers pageNumbers = new PageNumbers();
    private final List<long[]> chunks = new ArrayList<>();
    private long accesses;
    private long fingerprint;

    private TraceLoader(TraceReader reader, String name) {
        this.reader = reader;
        this.name = name;
    }

    /**
     * Loads a trace file.
     *
     * @throws java.nio.file.NoSuchFileException if there is no such file
     * @throws TraceFormatException if the file is malformed
     * @throws TraceTooLargeException if the Java heap cannot hold it
     */
    public static Trace load(Path file, TraceFormat format) throws IOException {
        try (TraceReader reader = TraceFiles.open(file, format)) {
            return load(file.toString(), reader);
        }
    }

    /** Loads the small trace of a real program that comes with Userload. */
    public static Trace loadDefault() throws IOException {
        try (TraceReader reader = TraceFiles.openDefault()) {
            return load(TraceFiles.DEFAULT_TRACE_NAME, reader);
        }
    }

    /**
     * Loads what a reader has left. The reader stays open.
     *
     * @param name what the trace is called for people
     */
    public static Trace load(String name, TraceReader reader) throws IOException {
        return new TraceLoader(reader, name).load();
    }

    private Trace load() throws IOException {
        try {
            readAll();
            long[] sortedPages = pageNumbers.sorted();
            renumberPages(pageNumbers.ranks(sortedPages));
            return new Trace(
                    name, chunks.toArray(new long[0][]), accesses, sortedPages, ReplayArithmetic.mix64(fingerprint));
        } catch (OutOfMemoryError e) {
            long read = accesses;
            int pages = pageNumbers.count();
            chunks.clear();
            throw new TraceTooLargeException(
                    name, read, pages, Runtime.getRuntime().maxMemory(), e);
        }
    }

    private void readAll() throws IOException {
        long[] chunk = new long[0];
        int used = 0;
        while (reader.next()) {
            if (used == chunk.length) {
                chunk = new long[Trace.CHUNK_ACCESSES];
                chunks.add(chunk);
                used = 0;
            }
            long address = reader.address();
            int sizeBytes = reader.sizeBytes();
            int operationCode = reader.operation().code();
            long page = address >>> Trace.PAGE_SHIFT;
            long lastPage = (address + sizeBytes - 1) >>> Trace.PAGE_SHIFT;
            int pageIndex = pageNumbers.indexOf(page);
            if (lastPage != page) {
                pageNumbers.indexOf(lastPage);
            }
            long offset = address & (Trace.PAGE_BYTES - 1);
            chunk[used++] = Trace.withPage(Trace.pack(offset, sizeBytes, operationCode), pageIndex);
            fingerprint = ReplayArithmetic.fingerprint(fingerprint, address, sizeBytes, operationCode);
            accesses++;
        }
    }

    private void renumberPages(int[] ranks) {
        long left = accesses;
        for (long[] chunk : chunks) {
            int used = (int) Math.min(left, chunk.length);
            for (int i = 0; i < used; i++) {
                chunk[i] = Trace.withPage(chunk[i], ranks[Trace.pageOf(chunk[i])]);
            }
            left -= used;
        }
    }
}
