"""The training step that all PyTorch peers share."""
import torch


def training_step(model, learning_rate, options):
    """step(batch) -> loss as a float, for a module whose forward is the loss of a batch or of its parts.

    options  adam "fused" or not, mode "compile" or not, as each peer takes them
    """
    fused = options.adam == "fused"
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, eps=1e-7, fused=fused)
    evaluate = torch.compile(model) if options.mode == "compile" else model

    def step(batch):
        loss = evaluate(*batch) if isinstance(batch, tuple) else evaluate(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
