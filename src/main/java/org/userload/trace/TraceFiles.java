package org.userload.trace;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.ZipException;

/** Opens trace files: finds out compression and format when reading, takes them from the file name when writing. */
public final class TraceFiles {
    /** Where the trace that comes with Userload lies on the class path. */
    static final String DEFAULT_TRACE_RESOURCE = "default.ult.zst";

    /** How errors name the trace that comes with Userload. */
    public static final String DEFAULT_TRACE_NAME = "(default trace)";

    private TraceFiles() {}

    /**
     * Opens a trace for reading.
     *
     * @param format the format to expect, or {@link TraceFormat#AUTO} to recognise it by content
     * @throws NoSuchFileException if there is no such file
     * @throws TraceFormatException if the file is empty or its format cannot be recognised
     */
    public static TraceReader open(Path file, TraceFormat format) throws IOException {
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString(), null, "there is no such trace file");
        }
        if (Files.isDirectory(file)) {
            throw new TraceFormatException(file.toString(), "", "a directory", "a trace file");
        }
        return open(file.toString(), Files.newInputStream(file), format);
    }

    /** Opens the small trace of a real program that comes with Userload; docs/replay.md says which. */
    public static TraceReader openDefault() throws IOException {
        InputStream in = TraceFiles.class.getResourceAsStream(DEFAULT_TRACE_RESOURCE);
        if (in == null) {
            throw new NoSuchFileException(DEFAULT_TRACE_NAME, null, "this build of Userload comes without it");
        }
        return open(DEFAULT_TRACE_NAME, in, TraceFormat.ULT);
    }

    /**
     * Reads a trace from a stream, such as standard input.
     *
     * @param name how errors name the stream
     * @param raw the possibly compressed trace, owned by the reader from here on, also when this method throws
     */
    public static TraceReader open(String name, InputStream raw, TraceFormat format) throws IOException {
        try {
            ByteInput in = new ByteInput(name, decompress(name, raw));
            TraceFormat actual = format == TraceFormat.AUTO ? FormatDetection.detect(in) : format;
            return switch (actual) {
                case ULT -> new UltReader(in);
                case LACKEY -> new LackeyReader(new LineInput(in));
                case CSV -> new CsvReader(new LineInput(in));
                case AUTO -> throw new AssertionError("detection never answers auto");
            };
        } catch (IOException | RuntimeException e) {
            raw.close();
            throw e;
        }
    }

    private static InputStream decompress(String name, InputStream raw) throws IOException {
        try {
            return Compression.decompress(name, raw);
        } catch (EOFException | ZipException e) {
            throw new TraceFormatException(
                    name, "offset 0", "a damaged or truncated gzip header (" + e.getMessage() + ")", "a gzip file", e);
        }
    }

    /**
     * Creates a trace file, or replaces it.
     *
     * @param file a name that ends in {@code .gz} or {@code .zst} is compressed
     * @param format {@link TraceFormat#ULT}, {@link TraceFormat#CSV}, or {@link TraceFormat#AUTO} for what the file
     *     name says: {@code .csv} or {@code .ult}, before the suffix of a compression
     * @throws IllegalArgumentException if the format cannot be written or the name does not say one
     */
    public static TraceWriter create(Path file, TraceFormat format) throws IOException {
        TraceFormat actual = outputFormat(file, format);
        OutputStream raw = Files.newOutputStream(file);
        try {
            return writer(Compression.ofFileName(file.toString()).compress(raw), actual);
        } catch (IOException | RuntimeException e) {
            raw.close();
            throw e;
        }
    }

    /**
     * The format that {@link #create} would write.
     *
     * @throws IllegalArgumentException if the format cannot be written or the name does not say one
     */
    public static TraceFormat outputFormat(Path file, TraceFormat format) {
        if (format == TraceFormat.LACKEY) {
            throw new IllegalArgumentException("lackey traces can be read but not written; write csv or ult");
        }
        if (format != TraceFormat.AUTO) {
            return format;
        }
        String name = file.toString().toLowerCase(Locale.ROOT);
        String plain = Compression.ofFileName(name).strip(name);
        if (plain.endsWith(".csv")) {
            return TraceFormat.CSV;
        }
        if (plain.endsWith(".ult")) {
            return TraceFormat.ULT;
        }
        throw new IllegalArgumentException(
                file + ": the name says no format; end it in .ult or .csv (then .gz or .zst), or name the format");
    }

    static TraceWriter writer(OutputStream out, TraceFormat format) {
        return switch (format) {
            case ULT -> new UltWriter(out);
            case CSV -> new CsvWriter(out);
            case LACKEY, AUTO -> throw new IllegalArgumentException(format + " cannot be written");
        };
    }
}
