"""One contender: transformers.Trainer fine-tuning an encoder on the first rows of ge-prepared. Prints texts per second."""

import sys
import tempfile
from pathlib import Path

from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from fecbench.datasets.core import Places
from fecbench.datasets.prepared import ge_prepared
from fecbench.encoders.minilm import minilm

data_dir, rows, batch_size, sampling = sys.argv[1:]
data = ge_prepared.load(Places(Path(data_dir)))
folder = minilm.folder()
tokenizer = AutoTokenizer.from_pretrained(folder)
train = data.splits["train"].select(range(int(rows)))
train = train.map(lambda part: tokenizer(part["text"], truncation=True, max_length=200), batched=True, remove_columns=["text", "aug_text"])
model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(data.labels))
with tempfile.TemporaryDirectory() as output:
    arguments = TrainingArguments(
        output,
        num_train_epochs=1,
        per_device_train_batch_size=int(batch_size),
        learning_rate=1e-4,
        weight_decay=1e-3,
        train_sampling_strategy=sampling,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        seed=0,
    )
    trainer = Trainer(model, arguments, train_dataset=train, data_collator=DataCollatorWithPadding(tokenizer))
    metrics = trainer.train().metrics
print("texts per second", metrics["train_samples_per_second"])
