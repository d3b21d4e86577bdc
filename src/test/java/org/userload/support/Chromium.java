package org.userload.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A real browser without a screen and without a network: it resolves no name. Each run has a profile of its own. */
public final class Chromium {
    private static final Path PROGRAM = Path.of("/usr/bin/chromium");
    private static final int LIMIT_SECONDS = 90;

    private Chromium() {}

    /**
     * A page after its scripts have run.
     *
     * @param dom as HTML
     * @param console what scripts and the security policy reported, a line each
     */
    public record Page(String dom, List<String> console) {}

    /** Opens a file and waits until it is drawn. */
    public static Page open(Path html) throws IOException, InterruptedException {
        return open(html, "--dump-dom");
    }

    /** Writes what the page looks like. */
    public static void screenshot(Path html, Path png, int width, int height, boolean dark)
            throws IOException, InterruptedException {
        open(
                html,
                "--screenshot=" + png.toAbsolutePath(),
                "--hide-scrollbars",
                "--window-size=" + width + "," + height,
                "--blink-settings=preferredColorScheme=" + (dark ? 0 : 1));
        if (!Files.exists(png)) {
            throw new IOException(PROGRAM + " wrote no " + png);
        }
    }

    private static Page open(Path html, String... options) throws IOException, InterruptedException {
        if (!Files.isExecutable(PROGRAM)) {
            throw new AssertionError("there is no " + PROGRAM + "; apt-get install chromium");
        }
        Path profile = Files.createTempDirectory("userload-chromium");
        Path out = profile.resolve("out");
        Path err = profile.resolve("err");
        List<String> command = new ArrayList<>(List.of(
                PROGRAM.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--user-data-dir=" + profile.resolve("profile"),
                "--enable-logging=stderr",
                "--virtual-time-budget=10000"));
        command.addAll(Arrays.asList(options));
        command.add(html.toAbsolutePath().toUri().toString());
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new AssertionError(PROGRAM + " did not end well:\n" + Files.readString(err));
            }
            List<String> console = Files.readString(err, StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.contains(":CONSOLE"))
                    .toList();
            return new Page(Files.readString(out, StandardCharsets.UTF_8), console);
        } finally {
            List<ProcessHandle> all = process.descendants().toList();
            process.destroyForcibly().waitFor();
            all.forEach(ProcessHandle::destroyForcibly);
            all.forEach(child -> child.onExit().join());
            delete(profile);
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> {
                try {
                    Files.deleteIfExists(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
