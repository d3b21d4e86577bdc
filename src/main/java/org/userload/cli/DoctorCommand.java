package org.userload.cli;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.userload.cli.Doctor.Finding;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says what this machine offers. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = {
            "Shows what this machine offers to userload, and for each missing thing the command that fixes it.",
            "",
            "Exit codes: 0 userfaultfd can be used, 1 it cannot (the software interceptor still can)."
        })
final class DoctorCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() {
        Doctor doctor = new Doctor();
        List<Finding> findings = doctor.examine();
        PrintWriter out = spec.commandLine().getOut();
        out.println(AsciiTable.builder()
                .border(AsciiTable.NO_BORDERS)
                .data(
                        findings,
                        List.of(
                                new Column().dataAlign(HorizontalAlign.LEFT).with(f -> f.present() ? "ok" : "missing"),
                                new Column()
                                        .dataAlign(HorizontalAlign.LEFT)
                                        .maxWidth(24)
                                        .with(Finding::name),
                                new Column()
                                        .dataAlign(HorizontalAlign.LEFT)
                                        .maxWidth(100)
                                        .with(Finding::text)))
                .asString());
        out.flush();
        return doctor.canIntercept(findings) ? 0 : 1;
    }
}
