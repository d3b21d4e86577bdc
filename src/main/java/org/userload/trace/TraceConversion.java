package org.userload.trace;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Rewrites a trace in another format, as a stream: in constant memory, whatever its length.
 *
 * <p>The output appears complete or not at all: it is written beside its place and renamed when it is finished. Input
 * and output may thus be the same file.
 */
public final class TraceConversion {
    /** No limit on the number of accesses. */
    public static final long ALL = Long.MAX_VALUE;

    private TraceConversion() {}

    /**
     * Converts at most {@code maxAccesses} accesses, the first ones.
     *
     * @param outputFormat see {@link TraceFiles#create}
     * @param maxAccesses at least 1; {@link #ALL} for all
     * @return how many accesses were written
     * @throws TraceFormatException if the input is malformed, as far as it is read
     * @throws IllegalArgumentException if the output format cannot be written
     */
    public static long convert(
            Path input, TraceFormat inputFormat, Path output, TraceFormat outputFormat, long maxAccesses)
            throws IOException {
        try (TraceReader reader = TraceFiles.open(input, inputFormat)) {
            return write(reader, output, outputFormat, maxAccesses);
        }
    }

    /** Converts what {@code reader} has left, like {@link #convert}. The reader stays open. */
    public static long write(TraceReader reader, Path output, TraceFormat outputFormat, long maxAccesses)
            throws IOException {
        if (maxAccesses < 1) {
            throw new IllegalArgumentException("at most " + maxAccesses + " accesses, expected 1 or more");
        }
        TraceFormat format = TraceFiles.outputFormat(output, outputFormat);
        if (Files.exists(output) && !Files.isRegularFile(output)) {
            return copy(reader, output, format, maxAccesses);
        }
        Path absolute = output.toAbsolutePath();
        Path directory = absolute.getParent();
        if (directory == null || !Files.isDirectory(directory)) {
            throw new IOException(output + ": its directory does not exist");
        }
        // The suffix tells the compression, so it ends the temporary name too.
        Path partial = directory.resolve(".partial-" + ProcessHandle.current().pid() + "-" + absolute.getFileName());
        try {
            long written = copy(reader, partial, format, maxAccesses);
            Files.move(partial, absolute, StandardCopyOption.REPLACE_EXISTING);
            return written;
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    private static long copy(TraceReader reader, Path output, TraceFormat format, long maxAccesses) throws IOException {
        try (TraceWriter writer = TraceFiles.create(output, format)) {
            while (writer.accessCount() < maxAccesses && reader.next()) {
                writer.write(reader.operation(), reader.address(), reader.sizeBytes());
            }
            writer.finish();
            return writer.accessCount();
        }
    }
}
