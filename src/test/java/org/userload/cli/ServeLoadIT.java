package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.support.UserloadProcess;
import org.userload.support.UserloadProcess.Result;

/** Image files over two processes: serve and load. */
@Timeout(180)
class ServeLoadIT {
    private static final int PAGE = 4096;
    private static final int PAGES = 5000;
    private static final Pattern ADDRESS = Pattern.compile("on (127\\.0\\.0\\.1:\\d+)");

    @TempDir
    private Path directory;

    /** Every third page is a hole, the rest is noise. */
    private Path sparseImage() throws IOException {
        Path image = directory.resolve("image.raw");
        SplittableRandom random = new SplittableRandom(11);
        byte[] page = new byte[PAGE];
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength((long) PAGES * PAGE);
            for (int i = 0; i < PAGES; i++) {
                if (i % 3 != 0) {
                    random.nextBytes(page);
                    Arrays.fill(page, 0, PAGE / 2, (byte) i);
                    file.seek((long) i * PAGE);
                    file.write(page);
                }
            }
        }
        return image;
    }

    private static String addressOf(UserloadProcess server) throws Exception {
        server.awaitUntil(() -> {
            try {
                return ADDRESS.matcher(server.out()).find();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        Matcher matcher = ADDRESS.matcher(server.out());
        assertThat(matcher.find()).isTrue();
        return matcher.group(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"copy.raw", "copy.uli"})
    void loadedImage_equalsTheServedOne_alsoCompressedAndBack(String name) throws Exception {
        Path image = sparseImage();
        Path copy = directory.resolve(name);
        Path again = directory.resolve("again.raw");
        load(image, copy, "--trace=" + smallTrace());
        load(copy, again);
        assertThat(Files.mismatch(image, again)).isEqualTo(-1);
    }

    private Path smallTrace() throws IOException {
        Path trace = directory.resolve("small.csv");
        StringBuilder lines = new StringBuilder("op,address,size\n");
        for (int page = 2000; page > 0; page -= 7) {
            lines.append("R,").append(page * PAGE).append(",8\n");
        }
        return Files.writeString(trace, lines.toString());
    }

    private static void load(Path image, Path output, String... more) throws Exception {
        try (UserloadProcess server =
                UserloadProcess.start("serve", "--image=" + image, "--listen=127.0.0.1:0", "--once")) {
            String[] arguments = Arrays.copyOf(
                    new String[] {"load", "--from=" + addressOf(server), "--output=" + output}, 3 + more.length);
            System.arraycopy(more, 0, arguments, 3, more.length);
            Result loaded = UserloadProcess.run(arguments);
            assertThat(loaded.exitCode()).as(loaded.err()).isZero();
            Result served = server.await();
            assertThat(served.exitCode()).as(served.out() + served.err()).isZero();
            assertThat(served.out()).contains("is complete");
        }
    }

    @Test
    void holes_staySparse() throws Exception {
        Path image = directory.resolve("holes.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(1L << 30);
            file.seek(1L << 29);
            file.write(1);
        }
        Path copy = directory.resolve("holes.copy");
        load(image, copy);
        assertThat(Files.size(copy)).isEqualTo(1L << 30);
        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
        assertThat(allocatedBytes(copy)).isLessThan(1 << 20);
    }

    private static long allocatedBytes(Path file) throws Exception {
        Process du = new ProcessBuilder("du", "--block-size=1", file.toString()).start();
        String line = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return Long.parseLong(line.split("\\s", -1)[0]);
    }

    @Test
    void corruptBlock_isNamed_andNothingIsWritten() throws Exception {
        Path image = sparseImage();
        Path packed = directory.resolve("packed.uli");
        load(image, packed);
        try (RandomAccessFile file = new RandomAccessFile(packed.toFile(), "rw")) {
            file.seek(file.length() / 2);
            int damaged = file.read() ^ 0x40;
            file.seek(file.length() / 2);
            file.write(damaged);
        }
        Path output = directory.resolve("never.raw");
        try (UserloadProcess server =
                UserloadProcess.start("serve", "--image=" + packed, "--listen=127.0.0.1:0", "--once")) {
            Result loaded = UserloadProcess.run("load", "--from=" + addressOf(server), "--output=" + output);
            assertThat(loaded.exitCode()).isEqualTo(1);
            assertThat(loaded.err()).contains("packed.uli", "block").doesNotContain("\tat ");
            assertThat(output).doesNotExist();
            assertThat(server.await().exitCode()).isEqualTo(1);
        }
    }

    @Test
    void portInUse_isNamed() throws Exception {
        Path image = sparseImage();
        try (UserloadProcess first = UserloadProcess.start("serve", "--image=" + image, "--listen=127.0.0.1:0")) {
            String address = addressOf(first);
            Result second = UserloadProcess.run("serve", "--image=" + image, "--listen=" + address);
            assertThat(second.exitCode()).isEqualTo(1);
            assertThat(second.err()).contains(address, "in use");
            assertThat(second.err().lines()).hasSize(1);
        }
    }

    @Test
    void unixSocket_neverReplacesAFileOrALiveServer_butADeadSocket() throws Exception {
        Path image = sparseImage();
        Path notes = Files.writeString(directory.resolve("notes.txt"), "precious");
        Result refused = UserloadProcess.run("serve", "--image=" + image, "--listen=unix:" + notes);
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains(notes.toString(), "not a socket");
        assertThat(notes).hasContent("precious");

        String socket = "unix:" + directory.resolve("source.sock");
        try (UserloadProcess first = UserloadProcess.start("serve", "--image=" + image, "--listen=" + socket)) {
            first.awaitUntil(() -> Files.exists(directory.resolve("source.sock")));
            Result second = UserloadProcess.run("serve", "--image=" + image, "--listen=" + socket);
            assertThat(second.exitCode()).isEqualTo(1);
            assertThat(second.err()).contains("in use");
        }
        try (UserloadProcess third =
                UserloadProcess.start("serve", "--image=" + image, "--listen=" + socket, "--once")) {
            third.awaitUntil(() -> {
                try {
                    return third.out().contains("serving");
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            Result loaded =
                    UserloadProcess.run("load", "--from=" + socket, "--output=" + directory.resolve("copy.raw"));
            assertThat(loaded.exitCode()).as(loaded.err()).isZero();
        }
        assertThat(Files.mismatch(image, directory.resolve("copy.raw"))).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense", "partial"})
    void wrongImage_isNamed(String kind) throws Exception {
        Path image = directory.resolve("wrong.raw");
        if (kind.equals("partial")) {
            Files.write(image, new byte[PAGE + 1]);
        } else if (!kind.isEmpty()) {
            Files.write(image, kind.getBytes(StandardCharsets.UTF_8));
        }
        Result result = UserloadProcess.run("serve", "--image=" + image, "--listen=127.0.0.1:0");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains(image.toString()).doesNotContain("\tat ");
    }

    @Test
    void nobodyListening_isNamed() throws Exception {
        Result result = UserloadProcess.run("load", "--from=127.0.0.1:1", "--output=" + directory.resolve("x.raw"));
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).containsOnlyOnce("127.0.0.1:1").contains("refused");
        assertThat(result.err().lines()).hasSize(1);
    }
}
