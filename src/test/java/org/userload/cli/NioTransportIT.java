package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.support.Seeds;
import org.userload.support.UserloadProcess;
import org.userload.support.UserloadProcess.Result;

/** Without Netty's native transport, as on a platform that has none: NIO sockets, both families. */
@Timeout(180)
class NioTransportIT {
    private static final String PROPERTY = "-Dio.netty.transport.noNative=true";
    private static final List<String> NIO = List.of(PROPERTY);

    /** As in {@link ReplayIT}: the same over every transport. */
    private static final String CHECKSUM = "779c1f27ad572654";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({"software, tcp", "software, unix", "auto, unix"})
    void movedProgram_endsAsOneThatNeverMoved(String interceptor, String socket) throws Exception {
        Result result = UserloadProcess.runInJvm(
                NIO,
                "replay",
                "--memory=32M",
                "--no-progress",
                "--interceptor=" + interceptor,
                "--socket=" + socket,
                "--switch-at=0.3");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("verified", CHECKSUM, "interceptor software");
        if (interceptor.equals("auto")) {
            assertThat(result.err())
                    .containsOnlyOnce("using the software interceptor")
                    .contains("epoll", "noNative");
        } else {
            assertThat(result.err()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tcp", "unix"})
    void userfaultfd_isRefused_withTheReason(String socket) throws Exception {
        Result result = UserloadProcess.runInJvm(NIO, "replay", "--interceptor=userfaultfd", "--socket=" + socket);
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err())
                .contains("userfaultfd cannot be used", "epoll", "noNative")
                .doesNotContain("\tat ");
        assertThat(result.err().lines()).hasSize(1);
    }

    @Test
    void sourceProcess_usesTheSameTransport() throws Exception {
        try (UserloadProcess replay =
                UserloadProcess.startInJvm(NIO, "replay", "--interceptor=software", "--memory=1G", "--no-progress")) {
            ProcessHandle source = replay.child();
            // Between fork and exec the child still has the command line of its parent.
            replay.awaitUntil(() -> arguments(source).contains("replay-source"));
            assertThat(arguments(source)).contains(PROPERTY);
        }
    }

    private static List<String> arguments(ProcessHandle process) {
        return Arrays.asList(process.info().arguments().orElse(new String[0]));
    }

    @Test
    void imageIsServedOverAUnixSocket_thatIsGoneAfterwards() throws Exception {
        byte[] bytes = new byte[700 * 4096];
        SplittableRandom random = Seeds.random("imageIsServedOverAUnixSocket");
        random.nextBytes(bytes);
        Path image = Files.write(directory.resolve("image.raw"), bytes);
        Path copy = directory.resolve("copy.raw");
        Path socket = directory.resolve("source.sock");
        try (UserloadProcess server =
                UserloadProcess.startInJvm(NIO, "serve", "--image=" + image, "--listen=unix:" + socket, "--once")) {
            server.awaitUntil(() -> outputOf(server).contains("serving"));
            Result second = UserloadProcess.runInJvm(NIO, "serve", "--image=" + image, "--listen=unix:" + socket);
            assertThat(second.err()).contains("in use");
            Result loaded = UserloadProcess.runInJvm(
                    NIO, "load", "--from=unix:" + socket, "--output=" + copy, "--interceptor=software");
            assertThat(loaded.exitCode()).as(loaded.err()).isZero();
            assertThat(server.await().exitCode()).isZero();
        }
        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
        assertThat(socket).doesNotExist();
    }

    private static String outputOf(UserloadProcess process) {
        try {
            return process.out();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void bothTransports_meetOnOneUnixSocket() throws Exception {
        Path image = Files.write(directory.resolve("image.raw"), new byte[40 * 4096]);
        Path copy = directory.resolve("copy.raw");
        String socket = "unix:" + directory.resolve("source.sock");
        try (UserloadProcess server =
                UserloadProcess.start("serve", "--image=" + image, "--listen=" + socket, "--once")) {
            server.awaitUntil(() -> outputOf(server).contains("serving"));
            Result loaded = UserloadProcess.runInJvm(NIO, "load", "--from=" + socket, "--output=" + copy);
            assertThat(loaded.exitCode()).as(loaded.err()).isZero();
        }
        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
    }

    @Test
    void nobodyListening_isNamed() throws Exception {
        Path socket = directory.resolve("none.sock");
        Result result = UserloadProcess.runInJvm(
                NIO, "load", "--from=unix:" + socket, "--output=" + directory.resolve("x.raw"));
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains("cannot connect to unix:" + socket).doesNotContain("\tat ");
        assertThat(result.err()).containsOnlyOnce(socket.toString());
        Result tcp =
                UserloadProcess.runInJvm(NIO, "load", "--from=127.0.0.1:1", "--output=" + directory.resolve("x.raw"));
        assertThat(tcp.exitCode()).isEqualTo(1);
        assertThat(tcp.err()).containsOnlyOnce("127.0.0.1:1").contains("refused");
    }

    @Test
    void doctor_saysThatUserfaultfdCannotBeUsed() throws Exception {
        Result result = UserloadProcess.runInJvm(NIO, "doctor");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.out()).containsPattern("missing +epoll transport").contains("noNative");
    }
}
